// Connections to the room. One offer makes each. A DELETE to the Location of the answer ends it.

import { admitted } from "/page/token.js";

export class Refused extends Error {
  constructor(status, reason) {
    super(reason);
    this.status = status;
  }
}

export class RoomCall {
  constructor() {
    this.connection = new RTCPeerConnection();
    this.address = null;
  }

  // Offers what the connection has, and takes the answer.
  async offer(address) {
    // Without these parameters Chromium receives and sends a stereo voice as one channel.
    const { type, sdp } = await this.connection.createOffer();
    const stereo = sdp.replace("useinbandfec=1", "useinbandfec=1;stereo=1;sprop-stereo=1");
    await this.connection.setLocalDescription({ type, sdp: stereo });
    await gathered(this.connection);
    const answer = await fetch(admitted(address), {
      method: "POST",
      headers: { "Content-Type": "application/sdp" },
      body: this.connection.localDescription.sdp,
    });
    if (!answer.ok) throw new Refused(answer.status, await answer.text());
    this.address = answer.headers.get("Location");
    await this.connection.setRemoteDescription({ type: "answer", sdp: await answer.text() });
  }

  // Ends it on both sides; the request outlives the page.
  end() {
    this.connection.close();
    if (this.address === null) return;
    fetch(admitted(this.address), { method: "DELETE", keepalive: true }).catch(() => {
      // The room has ended, and the call with it.
    });
    this.address = null;
  }
}

// Sends the sound of a microphone to the room.
export async function speak(stream, name) {
  const call = new RoomCall();
  for (const track of stream.getTracks()) {
    call.connection.addTransceiver(track, { direction: "sendonly", streams: [stream] });
  }
  return offered(call, `/whip?name=${encodeURIComponent(name)}`);
}

// Receives the sound of one speaker for one listener. `call.stream` is the received stream.
export async function hear(listener, speaker) {
  const call = new RoomCall();
  const { receiver } = call.connection.addTransceiver("audio", { direction: "recvonly" });
  call.stream = new MediaStream([receiver.track]);
  return offered(call, `/room/${listener}/hear/${speaker}`);
}

async function offered(call, address) {
  try {
    await call.offer(address);
  } catch (error) {
    call.end();
    throw error;
  }
  return call;
}

function gathered(connection) {
  return new Promise((resolve) => {
    const look = () => connection.iceGatheringState === "complete" && resolve();
    connection.addEventListener("icegatheringstatechange", look);
    look();
  });
}
