"use strict";

// A participant of a Janus VideoRoom, of plain WebRTC and fetch.
class JanusParticipant {
  #url;
  #room;
  #session;
  #answers = new Map(); // by transaction
  #told = new Map(); // by handle: takes its events

  // What the others say, by their id, once it comes.
  streams = new Map();

  constructor(url, room) {
    this.#url = url;
    this.#room = room;
  }

  // Joins, sending the stream.
  async join(name, stream) {
    this.#session = (await this.#post("", { janus: "create" })).data.id;
    this.#listen();
    const publisher = await this.#attach((data) => this.#hearAll(data.publishers ?? []));
    const request = { request: "join", ptype: "publisher", room: this.#room, display: name };
    const joined = await this.#ask(publisher, request);
    const connection = new RTCPeerConnection();
    connection.addTrack(stream.getAudioTracks()[0], stream);
    await connection.setLocalDescription();
    const offer = await withCandidates(connection);
    const published = await this.#ask(publisher, { request: "publish", audio: true, video: false }, offer);
    await connection.setRemoteDescription(published.jsep);
    await becomes(connection, "connectionState", "connected");
    await this.#hearAll(joined.data.publishers);
  }

  async #hearAll(publishers) {
    for (const { id, streams } of publishers) await this.#hear(id, streams);
  }

  async #hear(feed, streams) {
    const subscriber = await this.#attach(() => {});
    const { mid } = streams.find(({ type }) => type === "audio");
    const request = { request: "join", ptype: "subscriber", room: this.#room, streams: [{ feed, mid }] };
    const { jsep } = await this.#ask(subscriber, request);
    const connection = new RTCPeerConnection();
    const arrival = new Promise((resolve) => connection.addEventListener("track", resolve, { once: true }));
    await connection.setRemoteDescription(jsep);
    await connection.setLocalDescription();
    await this.#ask(subscriber, { request: "start" }, await withCandidates(connection));
    await soundComes(connection);
    this.streams.set(feed, new MediaStream([(await arrival).track]));
  }

  async #attach(told) {
    const handle = (await this.#post("", { janus: "attach", plugin: "janus.plugin.videoroom" })).data.id;
    this.#told.set(handle, told);
    return handle;
  }

  // Resolves with the event that answers it.
  async #ask(handle, body, jsep) {
    const transaction = crypto.randomUUID();
    const answer = new Promise((resolve) => this.#answers.set(transaction, resolve));
    await this.#post(`/${handle}`, { janus: "message", transaction, body, ...(jsep && { jsep }) });
    const { plugindata, ...event } = await answer;
    if (plugindata.data.error) throw new Error(`${body.request}: ${plugindata.data.error}`);
    return { data: plugindata.data, jsep: event.jsep };
  }

  async #post(path, message) {
    const session = this.#session ? `/${this.#session}` : "";
    const body = JSON.stringify({ transaction: crypto.randomUUID(), ...message });
    return (await fetch(this.#url + session + path, { method: "POST", body })).json();
  }

  async #listen() {
    for (;;) {
      const event = await (await fetch(`${this.#url}/${this.#session}`)).json();
      if (event.janus !== "event") continue;
      const answered = this.#answers.get(event.transaction);
      if (answered) answered(event);
      else this.#told.get(event.sender)?.(event.plugindata.data);
    }
  }
}

// Nothing but the statistics tells when the first packet is there.
async function soundComes(connection) {
  const hasSome = ({ type, packetsReceived }) => type === "inbound-rtp" && packetsReceived > 0;
  while (![...(await connection.getStats()).values()].some(hasSome)) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

let participant = null;

// Meets whoever is in a room, and says a tone there.
async function meet(url, room, frequency) {
  const context = new AudioContext();
  const tone = new OscillatorNode(context, { frequency });
  const sound = new MediaStreamAudioDestinationNode(context, { channelCount: 1 });
  tone.connect(sound);
  tone.start();
  participant = new JanusParticipant(url, room);
  await participant.join("page", sound.stream);
}

// What the one other participant says, as soon as there is one.
async function heardInMeeting() {
  while (participant.streams.size === 0) await new Promise((resolve) => setTimeout(resolve, 50));
  const [stream] = participant.streams.values();
  document.getElementById("remote").srcObject = stream;
  return stream;
}

async function hearInMeeting(seconds, patience) {
  return collect(await heardInMeeting(), seconds, patience);
}

// Notes when each burst of sound is heard (see burstsSoFar).
async function followMeeting() {
  onBursts(await newContext(), await heardInMeeting(), (at) => bursts.heard.push(at));
}
