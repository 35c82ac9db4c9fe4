// What is struck out: the hole over the pictures, or the patches that may not be pasted.

import type { ViewName } from "../state/scene.ts";
import type { Session } from "../state/session.ts";
import { stepOf } from "../steps/index.ts";
import type { Bits } from "../takeaway/view.ts";
import { bitmap } from "./bitmap.ts";

const OPAQUE = [0, 0, 0, 255];

/** What to strike out. It reads no cursor, so that pointing somewhere makes no new one. */
export function bitsOf(view: ViewName, session: Session): Bits | null {
  const { run } = session;
  const sample = session.sample.value;
  const { H, W, Hb, Wb } = run.inputs;
  if (view !== "background") {
    const bits = run.foregroundMaskOf(sample);
    return bits && { bits, rows: H, cols: W, step: 1 };
  }
  if (stepOf(session.stage.value).strikesOut) {
    const { invalid, gh, gw, config } = run.attention(sample);
    return invalid && { bits: invalid, rows: gh, cols: gw, step: config.stride * config.rate };
  }
  const bits = run.maskOf(sample);
  return bits && { bits, rows: Hb, cols: Wb, step: 1 };
}

/** Hatch an element where bits are set; it lies over a picture of height × width pixels. */
export function strikeOut(
  element: HTMLElement,
  shape: Bits | null,
  height: number,
  width: number,
): void {
  element.hidden = !shape;
  if (!shape) return;
  const { bits, rows, cols, step } = shape;
  const mask = bitmap(rows, cols, (i) => (bits[i] ? OPAQUE : null));
  const across = (100 * cols * step) / width;
  const down = (100 * rows * step) / height;
  element.style.setProperty("--mask", `url(${mask.toDataURL()})`);
  element.style.setProperty("--size", `${across}% ${down}%`);
}
