// The room's WebSocket: what it tells is given to a function, its end as the event "closed".

import { admitted } from "/page/token.js";

export class EventSocket {
  constructor(path, tell) {
    const address = admitted(path);
    address.protocol = "ws:";
    this.socket = new WebSocket(address);
    this.socket.onmessage = ({ data }) => tell(JSON.parse(data));
    this.socket.onclose = () => tell({ event: "closed" });
  }

  // Whether it can be sent.
  send(message) {
    const open = this.socket.readyState === WebSocket.OPEN;
    if (open) this.socket.send(JSON.stringify(message));
    return open;
  }

  // Stays, but tells no more.
  hush() {
    this.socket.onmessage = null;
    this.socket.onclose = null;
  }

  end() {
    this.hush();
    this.socket.close();
  }
}
