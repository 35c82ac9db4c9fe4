// What anywidget and the page render: one debugger on a model, or a recording alone.
import { render as draw } from "preact";
import type { FrontEnd, Model, StoredRecording } from "../protocol.ts";
import { Address, isOnPage } from "../state/address.ts";
import { Hands } from "../state/hands.ts";
import { Kernel } from "../state/kernel.ts";
import { recordingOf } from "../state/recording.ts";
import { Session } from "../state/session.ts";
import { Stepping } from "../state/stepping.ts";
import { download } from "../takeaway/download.ts";
import { App } from "../views/App.tsx";
import { Alone } from "../views/stepping/Alone.tsx";

/** A model that has a recording, and not the inputs of a debugger, shows that. */
function drawAlone(model: Model, el: HTMLElement, first: StoredRecording): () => void {
  const stepping = new Stepping();
  const show = (stored: StoredRecording) => {
    let problem = "";
    try {
      stepping.show(recordingOf(stored));
    } catch (error) {
      problem = (error as Error).message;
    }
    draw(<Alone stepping={stepping} problem={problem} />, el);
  };
  const follow = () => show(model.get("recording"));
  show(first);
  model.on("change:recording", follow);
  return () => {
    model.off("change:recording", follow);
    draw(null, el);
  };
}

const frontEnd: FrontEnd = {
  render({ model, el }) {
    const recording = model.get("recording");
    if (recording) return drawAlone(model, el, recording);
    const session = new Session();
    const kernel = new Kernel(model, session);
    const hands = new Hands(session, kernel);
    kernel.isGone = () => el.closest(".jupyter-widgets-disconnected") !== null;
    kernel.onMessage = (message) => {
      if (message.kind === "page") download(message.name, message.html);
    };
    kernel.start();
    const address = isOnPage() ? new Address(session, kernel) : undefined;
    const unfollow = address?.follow();
    draw(<App tools={{ session, kernel, hands, address }} />, el);
    return () => {
      unfollow?.();
      kernel.stop();
      draw(null, el);
    };
  },
};

export default frontEnd;
