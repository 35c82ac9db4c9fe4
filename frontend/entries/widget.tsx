// What anywidget and the page render: one debugger on a model.
import { render as draw } from "preact";
import type { FrontEnd } from "../protocol.ts";
import { Hands } from "../state/hands.ts";
import { Kernel } from "../state/kernel.ts";
import { Session } from "../state/session.ts";
import { download } from "../takeaway/download.ts";
import { App } from "../views/App.tsx";

const frontEnd: FrontEnd = {
  render({ model, el }) {
    const session = new Session();
    const kernel = new Kernel(model, session);
    const hands = new Hands(session, kernel);
    kernel.isGone = () => el.closest(".jupyter-widgets-disconnected") !== null;
    kernel.onMessage = (message) => {
      if (message.kind === "page") download(message.name, message.html);
    };
    kernel.start();
    draw(<App tools={{ session, kernel, hands }} />, el);
    return () => {
      kernel.stop();
      draw(null, el);
    };
  },
};

export default frontEnd;
