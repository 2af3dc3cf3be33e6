// The room's token, which the page's address carries after the #: that is not sent to anybody.

export function token() {
  const said = location.hash.slice(1);
  try {
    return decodeURIComponent(said);
  } catch {
    return said; // typed as it is
  }
}

// Returns an address of the room with the token in the query. A browser's WebSocket sends no such header, and
// other requests can send only Latin-1 in headers.
export function admitted(path) {
  const address = new URL(path, location.href);
  if (token() !== "") address.searchParams.set("token", token());
  return address;
}

// Returns whether the room refuses the token. Rejects if the room does not answer.
export async function isRefused() {
  return (await fetch(admitted("/room"))).status === 401;
}
