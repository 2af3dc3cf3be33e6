// The list of participants. It shows the level of each speaker.

import { SILENCE } from "/page/sound.js";

export class ParticipantList {
  constructor(list, template, nobody) {
    [this.list, this.template, this.nobody] = [list, template, nobody];
    this.rows = new Map();
    this.names = new Map(); // of those who have gone, too
  }

  nameOf(id) {
    return this.names.get(id) ?? "Somebody";
  }

  show(participants, me) {
    const rows = new Map();
    for (const { id, name, speaks } of participants) {
      this.names.set(id, name);
      const row = this.rows.get(id) ?? this.template.content.firstElementChild.cloneNode(true);
      row.classList.toggle("speaks", speaks);
      row.querySelector(".initial").textContent = [...name][0].toUpperCase();
      row.querySelector(".called").textContent = id === me ? `${name} (you)` : name;
      const level = row.querySelector(".level");
      row.querySelector(".does").textContent = speaks ? level.getAttribute("aria-valuetext") : "listens";
      level.hidden = !speaks;
      level.setAttribute("aria-label", `Level of ${name}`);
      rows.set(id, row);
    }
    this.rows = rows;
    this.list.replaceChildren(...rows.values());
    this.nobody.hidden = participants.length === 0 || participants.some(({ speaks }) => speaks);
  }

  // Shows a level in dB of full scale.
  measure(id, decibels) {
    const row = this.rows.get(id);
    if (row === undefined) return;
    const level = row.querySelector(".level");
    level.firstElementChild.style.transform = `scaleX(${1 - decibels / SILENCE})`;
    const said = decibels <= SILENCE ? "silent" : `${Math.round(decibels)} dB`.replace("-", "−");
    if (level.getAttribute("aria-valuetext") === said) return;
    level.setAttribute("aria-valuenow", Math.round(decibels));
    level.setAttribute("aria-valuetext", said);
    row.querySelector(".does").textContent = said;
  }
}
