// The room's WebSocket. Passes each event to a function, and the event "closed" when it closes.

import { admitted } from "/page/token.js";

export class EventSocket {
  constructor(path, tell) {
    const address = admitted(path);
    address.protocol = "ws:";
    this.socket = new WebSocket(address);
    this.socket.onmessage = ({ data }) => tell(JSON.parse(data));
    this.socket.onclose = () => tell({ event: "closed" });
  }

  // Sends a message. Returns false if the WebSocket is not open.
  send(message) {
    const open = this.socket.readyState === WebSocket.OPEN;
    if (open) this.socket.send(JSON.stringify(message));
    return open;
  }

  // Keeps the WebSocket open, but reports no more events.
  hush() {
    this.socket.onmessage = null;
    this.socket.onclose = null;
  }

  end() {
    this.hush();
    this.socket.close();
  }
}
