// The page of a room: it hears all speakers, and speaks if the user wants that.

import { EventSocket } from "/page/event_socket.js";
import { Listening } from "/page/listening.js";
import { Messages } from "/page/messages.js";
import { Microphones } from "/page/microphones.js";
import { startSpeaking } from "/page/own_microphone.js";
import { ParticipantList } from "/page/participants.js";
import { onBlocked, unblock } from "/page/sound.js";
import { Spectrum } from "/page/spectrum.js";
import { isRefused } from "/page/token.js";

const PATIENCE = 1000; // ms
const SHOWN = 10000; // ms
const element = (id) => document.getElementById(id);
const [state, trouble, name, text, speakButton] = ["state", "trouble", "name", "text", "speak"].map(element);
const participantList = new ParticipantList(element("participants"), element("participant"), element("nobody"));
const messages = new Messages(element("messages"));
const microphones = new Microphones(element("microphone"));
const spectrum = new Spectrum(element("spectrum"), element("peak"));
const listening = new Listening(complain);

let channel = null;
let me = null; // the id, while in the room
let speaking = null;
let former = []; // channels and calls that are to end once all is heard without them

// Continues in the room with another id: only a participant with a call can speak.
function enter(path) {
  channel?.hush();
  if (channel !== null) former.push(channel);
  channel = new EventSocket(path, (event) => take(event).catch((error) => complain(error.message)));
}

function visit() {
  enter(`/room?name=${encodeURIComponent(name.value)}`);
}

async function take(event) {
  switch (event.event) {
    case "welcome":
      me = event.id;
      state.textContent = "You are in the room.";
      break;
    case "participants":
      await present(event.participants);
      break;
    case "message":
      messages.show(participantList.nameOf(event.sender), event.message);
      break;
    case "closed":
      await leave();
      break;
    default:
      complain(event.message);
  }
}

async function present(participants) {
  participantList.show(participants, me);
  await listening.follow(me, participants.filter(({ id, speaks }) => speaks && id !== me).map(({ id }) => id));
  endFormer();
  speakButton.disabled = false;
}

function endFormer() {
  for (const one of former) one.end();
  former = [];
}

// The room has closed, the call has broken, or the room refuses the token. Waits until the page can enter.
async function leave() {
  const isOutside = me === null && (await isRefused().catch(() => false)); // no answer: the room has closed
  state.textContent = "The room is closed. Waiting until it opens again…";
  [channel, me] = [null, null];
  speaking?.end();
  showSpeaking(null);
  speakButton.disabled = true;
  endFormer();
  participantList.show([], null);
  if (isOutside) askForToken();
  else setTimeout(visit, PATIENCE);
  await listening.follow(null, []);
}

function askForToken() {
  state.textContent = "You are not in the room.";
  element("admission").hidden = false;
}

function enterWithToken(event) {
  event.preventDefault();
  history.replaceState(null, "", `#${encodeURIComponent(element("token").value)}`);
  knock();
}

// Asks the room whether the token will do now.
function knock() {
  state.textContent = "Connecting…";
  element("admission").hidden = true;
  visit();
}

async function speak() {
  speakButton.disabled = true;
  try {
    showSpeaking(await startSpeaking(microphones, name.value));
    enter(speaking.channel);
  } catch (error) {
    complain(error.message);
    speakButton.disabled = false;
  }
}

function stop() {
  speakButton.disabled = true;
  speaking.hush();
  former.push(speaking.call);
  showSpeaking(null);
  visit();
}

function showSpeaking(now) {
  speaking = now;
  speakButton.textContent = now === null ? "Speak" : "Stop";
  speakButton.classList.toggle("on", now !== null);
}

async function changeMicrophone() {
  try {
    await speaking?.change(await microphones.open());
  } catch (error) {
    complain(error.message);
  }
}

function say(event) {
  event.preventDefault();
  const said = text.value.trim();
  if (said === "") return;
  if (channel?.send({ message: said, recipient: null })) {
    messages.show("You", said);
    text.value = "";
  } else {
    complain("The message was not sent: the room is closed.");
  }
}

let hiding = null;

function complain(sentence) {
  trouble.textContent = sentence;
  trouble.hidden = false;
  clearTimeout(hiding);
  hiding = setTimeout(() => (trouble.hidden = true), SHOWN);
}

function draw() {
  spectrum.draw();
  listening.measure((id, decibels) => participantList.measure(id, decibels));
  if (speaking !== null) participantList.measure(me, speaking.level.read());
  requestAnimationFrame(draw);
}

element("address").textContent = new URL("/whip", location.href);
name.value = localStorage.getItem("name") ?? "";
name.addEventListener("change", () => {
  localStorage.setItem("name", name.value);
  channel?.send({ name: name.value });
});
speakButton.addEventListener("click", () => (speaking === null ? speak() : stop()));
element("microphone").addEventListener("change", () => speaking !== null && changeMicrophone());
element("write").addEventListener("submit", say);
element("admission").addEventListener("submit", enterWithToken);
addEventListener("hashchange", () => element("admission").hidden || knock());
element("listen").addEventListener("click", unblock);
onBlocked((blocked) => (element("silence").hidden = !blocked));
addEventListener("pagehide", () => speaking?.end());
microphones.refresh();
visit();
draw();
