// Hands on a stub model, and what a test does with them.
import { Hands } from "../state/hands.ts";
import type { ViewName } from "../state/scene.ts";
import { open } from "./stub.ts";

export function setUp(...how: Parameters<typeof open>) {
  const { session, kernel, model } = open(...how);
  model.saved.length = 0;
  const hands = new Hands(session, kernel);
  const click = (view: ViewName, at: readonly [number, number]) => {
    hands.press(view, at);
    hands.release(view, at);
  };
  const key = (view: ViewName, name: string, more: KeyboardEventInit = {}) => {
    const event = new KeyboardEvent("keydown", { key: name, cancelable: true, ...more });
    hands.key(view, event);
    return event;
  };
  const painted = () => session.run.mask?.data.reduce((sum, bit) => sum + bit, 0) ?? 0;
  return { session, kernel, model, hands, click, key, painted };
}
