// The latest messages.

const KEPT = 100;

export class Messages {
  constructor(list) {
    this.list = list;
  }

  // A message is any JSON; text is shown as it is.
  show(name, message) {
    const said = typeof message === "string";
    const tags = ["li", "b", "time", "p", said ? "span" : "code"];
    const [entry, head, time, paragraph, text] = tags.map((tag) => document.createElement(tag));
    head.textContent = name;
    time.textContent = new Date().toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    text.textContent = said ? message : JSON.stringify(message);
    head.append(time);
    paragraph.append(text);
    entry.append(head, paragraph);
    this.list.append(entry);
    while (this.list.children.length > KEPT) this.list.firstElementChild.remove();
    this.list.scrollTop = this.list.scrollHeight;
  }
}
