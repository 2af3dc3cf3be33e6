// The microphone of this page, and the call that sends it.

import { Refused, speak } from "/page/calls.js";
import { Level } from "/page/sound.js";

export class OwnMicrophone {
  constructor(stream, call) {
    [this.call, this.level] = [call, new Level(stream)];
    this.stream = stream;
  }

  // The address of the WebSocket that carries the room's events to this speaker.
  get channel() {
    return this.call.address.replace("/whip/", "/room/");
  }

  // Goes on with another microphone.
  async change(stream) {
    await this.call.connection.getSenders()[0].replaceTrack(stream.getAudioTracks()[0]);
    this.hush();
    [this.stream, this.level] = [stream, new Level(stream)];
  }

  // Lets the microphone go; the call goes on in silence.
  hush() {
    this.level.end();
    for (const track of this.stream.getTracks()) track.stop();
  }

  end() {
    this.hush();
    this.call.end();
  }
}

// Speaks with the chosen microphone. Rejects with an Error whose message is for the user.
export async function startSpeaking(microphones, name) {
  const stream = await microphones.open();
  try {
    return new OwnMicrophone(stream, await speak(stream, name));
  } catch (error) {
    for (const track of stream.getTracks()) track.stop();
    throw new Error(error instanceof Refused ? reason(error) : `The room does not answer: ${error.message}`);
  }
}

function reason({ status, message }) {
  if (status === 503) return "The room has its maximum number of speakers. Press Speak again when a speaker has left.";
  return `The room refused the request: ${message}`;
}
