// Draws the spectrum of what is heard, and tells its peak.

import { spectrum } from "/page/sound.js";

const [LOWEST, HIGHEST] = [50, 20000]; // Hz
const [FAINTEST, LOUDEST] = [-110, -20]; // dB
const MARKS = [[100, "100 Hz"], [1000, "1 kHz"], [10000, "10 kHz"]];
const FOOT = 20; // pixels below the curve, for the names of the marks

export class Spectrum {
  constructor(canvas, peak) {
    [this.canvas, this.peak] = [canvas, peak];
  }

  draw() {
    const heard = spectrum();
    const said = heard.peak === null ? "none" : `${Math.round(heard.peak)} Hz`;
    if (this.peak.value !== said) this.peak.value = said;
    this.#draw(heard);
  }

  #draw({ decibels, width, peak }) {
    const { clientWidth: wide, clientHeight: high } = this.canvas;
    const scale = devicePixelRatio;
    if (this.canvas.width !== Math.round(wide * scale) || this.canvas.height !== Math.round(high * scale)) {
      [this.canvas.width, this.canvas.height] = [Math.round(wide * scale), Math.round(high * scale)];
    }
    const style = getComputedStyle(this.canvas);
    const pen = this.canvas.getContext("2d");
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.clearRect(0, 0, wide, high);
    const ground = high - FOOT;
    const x = (frequency) => (wide * Math.log(frequency / LOWEST)) / Math.log(HIGHEST / LOWEST);
    const y = (level) => ground * (1 - Math.min(1, Math.max(0, (level - FAINTEST) / (LOUDEST - FAINTEST))));

    pen.fillStyle = style.getPropertyValue("--quiet");
    pen.strokeStyle = style.getPropertyValue("--line");
    pen.font = `12px ${style.fontFamily}`;
    pen.textAlign = "center";
    pen.beginPath();
    for (const [frequency, name] of MARKS) {
      pen.moveTo(x(frequency), 0);
      pen.lineTo(x(frequency), ground);
      pen.fillText(name, x(frequency), high - 4);
    }
    pen.moveTo(0, ground - 0.5);
    pen.lineTo(wide, ground - 0.5);
    pen.stroke();

    const outline = new Path2D();
    outline.moveTo(0, ground);
    for (let at = 0; at <= wide; at += 1) {
      outline.lineTo(at, y(loudest(decibels, frequencyAt(at, wide) / width, frequencyAt(at + 1, wide) / width)));
    }
    outline.lineTo(wide, ground);
    pen.fillStyle = style.color;
    pen.globalAlpha = 0.18;
    pen.fill(outline);
    pen.globalAlpha = 1;
    if (peak === null) return;
    pen.strokeStyle = style.color;
    pen.lineWidth = 1.5;
    pen.stroke(outline);
    pen.beginPath();
    pen.arc(x(peak), y(loudest(decibels, peak / width - 1, peak / width + 1)), 3.5, 0, 2 * Math.PI);
    pen.fill();
  }
}

function frequencyAt(place, wide) {
  return LOWEST * (HIGHEST / LOWEST) ** (place / wide);
}

// Returns the greatest level of the bins from `first` to `end`. Interpolates if there is no bin between them.
function loudest(decibels, first, end) {
  const [bin, part] = [Math.floor(first), first % 1];
  if (Math.ceil(first) >= end) return decibels[bin] + part * (decibels[bin + 1] - decibels[bin]);
  return decibels.slice(Math.ceil(first), Math.ceil(end)).reduce((a, b) => Math.max(a, b), -Infinity);
}
