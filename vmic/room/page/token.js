// The room's token, which the page's address carries after the #: that is not sent to anybody.

export function token() {
  const said = location.hash.slice(1);
  try {
    return decodeURIComponent(said);
  } catch {
    return said; // typed as it is
  }
}

// An address of the room's with the token: a browser's WebSocket has no headers, and those of others carry
// Latin-1 alone.
export function admitted(path) {
  const address = new URL(path, location.href);
  if (token() !== "") address.searchParams.set("token", token());
  return address;
}

// Whether the room does not take it; rejects where nobody answers.
export async function isRefused() {
  return (await fetch(admitted("/room"))).status === 401;
}
