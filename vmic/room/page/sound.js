// What is heard: played, and measured.

export const SILENCE = -60; // dB of full scale

const context = new AudioContext();
const sum = new AnalyserNode(context, {
  fftSize: 8192, // bins of 5.9 Hz at 48 kHz
  smoothingTimeConstant: 0.6,
  minDecibels: -110,
  maxDecibels: -20,
});
const playing = new Set();
let blocked = () => {};

// Calls `tell` with whether the browser blocks the sound, each time that this may have changed.
export function onBlocked(tell) {
  blocked = tell;
  context.addEventListener("statechange", look);
}

function look() {
  const waits = [...playing].some(({ element }) => element.paused);
  blocked(playing.size > 0 && (waits || context.state !== "running"));
}

// Plays all sound. Browsers allow this after a click.
export async function unblock() {
  await Promise.all([context.resume(), ...[...playing].map((voice) => voice.play())]);
  look();
}

// How loud a stream is.
export class Level {
  constructor(stream) {
    this.source = new MediaStreamAudioSourceNode(context, { mediaStream: stream });
    this.analyser = new AnalyserNode(context, { fftSize: 2048 });
    this.samples = new Float32Array(this.analyser.fftSize);
    this.source.connect(this.analyser);
    this.last = SILENCE;
  }

  // The greatest sample of the last 43 ms, in dB of full scale; it falls slowly.
  read() {
    this.analyser.getFloatTimeDomainData(this.samples);
    const peak = this.samples.reduce((greatest, sample) => Math.max(greatest, Math.abs(sample)), 0);
    this.last = Math.min(0, Math.max(SILENCE, this.last - 1.5, 20 * Math.log10(peak)));
    return this.last;
  }

  end() {
    this.source.disconnect();
  }
}

// Plays a speaker's stream, and adds it to `sum`. (Chromium measures a stream only if an element plays it.)
export class Voice extends Level {
  constructor(stream) {
    super(stream);
    this.source.connect(sum);
    this.element = new Audio();
    this.element.srcObject = stream;
    playing.add(this);
    this.play();
  }

  async play() {
    await this.element.play().catch((error) => {
      // The browser blocks the sound, which the page shows, or the voice has ended.
      if (!["NotAllowedError", "AbortError"].includes(error.name)) throw error;
    });
    look();
  }

  end() {
    super.end();
    this.element.srcObject = null;
    playing.delete(this);
    look();
  }
}

const decibels = new Float32Array(sum.frequencyBinCount);

// The spectrum of all that is heard: a level in dB for each bin, the width of a bin in Hz, and the strongest
// frequency in Hz; null where all is silent.
export function spectrum() {
  sum.getFloatFrequencyData(decibels);
  const width = context.sampleRate / sum.fftSize;
  const bin = decibels.reduce((best, level, at) => (level > decibels[best] ? at : best), 1);
  return { decibels, width, peak: decibels[bin] > -80 ? (bin + offset(bin)) * width : null };
}

// Returns how far the peak is from `bin`, in bins: the top of a parabola through it and its neighbours.
function offset(bin) {
  const [before, at, after] = [decibels[bin - 1], decibels[bin], decibels[bin + 1]];
  const curve = before - 2 * at + after;
  return Number.isFinite(curve) && curve < 0 ? (before - after) / (2 * curve) : 0;
}
