// The audio inputs to choose from, by name; the choice is remembered by name too.

const KEY = "microphone";
const WORDS = {
  NotAllowedError: "The browser is not allowed to use a microphone. Allow it for this page, and press Speak again.",
  NotFoundError: "Microphone not found. Create one, and press Speak again.",
  OverconstrainedError: "The selected microphone no longer exists. Select another one.",
  NotReadableError: "Cannot open the selected microphone. Another program may be using it.",
};

export class Microphones {
  constructor(select) {
    this.select = select;
    // No browser reports a new PulseAudio source.
    select.addEventListener("pointerdown", () => this.refresh());
    select.addEventListener("focus", () => this.refresh());
    select.addEventListener("change", () => localStorage.setItem(KEY, this.#chosen().label));
  }

  // Names are shown once the browser was allowed to use a microphone.
  async refresh() {
    const devices = await navigator.mediaDevices.enumerateDevices();
    const inputs = devices.filter(({ kind, deviceId }) => kind === "audioinput" && deviceId !== "default");
    const wanted = this.#chosen()?.label ?? localStorage.getItem(KEY);
    const options = inputs
      .filter(({ label }) => label !== "")
      .map(({ label, deviceId }) => new Option(label, deviceId, false, label === wanted));
    const offered = [new Option("The browser's default", ""), ...options];
    const same = (option, at) => option.label === this.select.options[at]?.label;
    // An open list stays as it is.
    if (offered.length === this.select.options.length && offered.every(same)) return;
    this.select.replaceChildren(...offered);
  }

  // Opens the chosen microphone, with echo cancellation and no other processing. Rejects with an Error whose
// message is for the user.
  async open() {
    const deviceId = this.select.value === "" ? undefined : { exact: this.select.value };
    const audio = { deviceId, echoCancellation: true, noiseSuppression: false, autoGainControl: false };
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ audio });
      await this.refresh();
      return stream;
    } catch (error) {
      throw new Error(WORDS[error.name] ?? `Cannot open a microphone: ${error.message}`);
    }
  }

  #chosen() {
    return this.select.selectedOptions[0];
  }
}
