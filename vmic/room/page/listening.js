// What is heard of each speaker, by one listener: this page, whoever it is in the room at the time.

import { Refused, hear } from "/page/calls.js";
import { Voice } from "/page/sound.js";

export class Listening {
  constructor(complain) {
    this.complain = complain;
    this.voices = new Map(); // by speaker: the listener, the call, and the voice
  }

  // Hears these and no others; one that was heard as another listener is, until it is heard as this one.
  async follow(listener, speakers) {
    for (const speaker of this.voices.keys()) if (!speakers.includes(speaker)) this.#part(speaker);
    await Promise.all(speakers.map((speaker) => this.#hear(listener, speaker)));
  }

  // Calls a function with each speaker and its level in dB of full scale.
  measure(show) {
    for (const [speaker, { voice }] of this.voices) if (voice) show(speaker, voice.read());
  }

  async #hear(listener, speaker) {
    const before = this.voices.get(speaker);
    if (before?.listener === listener) return;
    const now = { listener };
    this.voices.set(speaker, now);
    try {
      now.call = await hear(listener, speaker);
      now.voice = new Voice(now.call.stream);
    } catch (error) {
      // It may have gone meanwhile, and the room too.
      const gone = error instanceof Refused ? error.status === 404 : error instanceof TypeError;
      if (!gone) this.complain(`Cannot play a speaker: ${error.message}`);
    }
    end(before);
    if (this.voices.get(speaker) !== now) end(now);
  }

  #part(speaker) {
    end(this.voices.get(speaker));
    this.voices.delete(speaker);
  }
}

function end(heard) {
  heard?.voice?.end();
  heard?.call?.end();
}
