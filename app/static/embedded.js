// The room in a frame of somebody else's page, loaded only in a frame or window that has a name: less around the sheet, light
// or dark as that page says, which is told when an edit of ours goes out and when others' come in, by numbers alone: never what was drawn or said.

import { DARK } from "./theme.js";

/** Before the connection begins. We are called as our frame is, whatever the browser remembers. */
export function embed(connection) {
  if (parent === self) return;
  const style = Object.assign(document.createElement("link"), { rel: "stylesheet", href: "/static/embedded.css" });
  document.head.append(style);
  document.body.classList.add("framed");
  document.getElementById("name").value = self.name.slice(0, 32);
  const { send, heard } = connection;
  // Which pages may frame us is for the policy of this one to say (app/responses.py): those of this computer.
  const tell = (what) => parent.postMessage({ room: what }, "*");
  connection.send = (message) => {
    const sent = send.call(connection, message);
    if (message.t === "edit") tell({ t: "sent", client: connection.hello().client, op: message.op });
    return sent;
  };
  connection.heard = (messages) => {
    heard(messages);
    for (const message of messages) {
      if (message.t === "welcome") tell({ t: "welcome", region: message.region, machine: message.machine, epoch: message.epoch });
      else if (message.t === "moved" || message.t === "closing") tell({ t: "away" });
      else if (message.t === "edited" && message.client !== connection.hello().client) tell({ t: "came", client: message.client, op: message.op });
    }
  };
  addEventListener("message", ({ source, data }) => { if (source === parent && ["light", "dark"].includes(data?.scheme)) paint(data.scheme); });
  tell({ t: "here" });
}

/** Our style sheets follow the reader's system; here they follow the page around us. */
function paint(scheme) {
  document.documentElement.style.colorScheme = scheme;
  const rules = [...document.styleSheets].flatMap((sheet) => [...sheet.cssRules]).filter((rule) => rule instanceof CSSMediaRule);
  for (const rule of rules) {
    marked.set(rule, marked.get(rule) ?? rule.media.mediaText.includes("prefers-color-scheme: dark"));
    if (marked.get(rule)) rule.media.mediaText = scheme === "dark" ? "all" : "not all";
  }
  DARK.dispatchEvent(new Event("change")); // what is drawn on canvases asks again
}

const marked = new WeakMap(); // rules and whether they are for the dark: their text does not say so once it is changed
