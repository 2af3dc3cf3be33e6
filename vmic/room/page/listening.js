// The sound of each speaker, as this page hears it. The page's id in the room may change.

import { Refused, hear } from "/page/calls.js";
import { Voice } from "/page/sound.js";

export class Listening {
  constructor(complain) {
    this.complain = complain;
    this.voices = new Map(); // by speaker: the listener, the call, and the voice
  }

  // Hears these speakers and no others. If the page has a new id, the old call of a speaker ends after the new
    // one has begun.
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
      // The speaker may have left meanwhile, and the room may have closed.
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
