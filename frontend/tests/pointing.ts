// Hands on the small run, whose kernel does nothing but follow.
import { vi } from "vitest";
import { type Cursor, type Place, queryOf } from "../state/cursor.ts";
import { Hands } from "../state/hands.ts";
import type { Kernel } from "../state/kernel.ts";
import { Session } from "../state/session.ts";
import { type hole, smallRun } from "./run.ts";

export const RATE = 2; // pixels a cell of the small run, which has 6 × 5 of them
export const HOME: Place = [2, 2]; // where its hole shrinks to

/** The first pixel of a cell. */
export const pixelOf = ([row, column]: Place): Place => [row * RATE, column * RATE];

export function setUp(run = smallRun()) {
  const session = new Session();
  session.open(run);
  const publish = vi.fn(({ cursor }: { cursor: Cursor }) => {
    session.cursor.value = cursor;
  });
  const paint = (mask: ReturnType<typeof hole> | null) => {
    session.show(session.run.change(session.run.config, mask));
  };
  const hands = new Hands(session, { publish, paint } as unknown as Kernel);
  return {
    session,
    hands,
    publish,
    query: () => queryOf(session.cursor.value, RATE),
    click(cell: Place, isFurther = false, view: "foreground" | "background" = "foreground") {
      hands.hover(view, pixelOf(cell));
      hands.press(view, pixelOf(cell));
      hands.release(view, pixelOf(cell), isFurther);
    },
    tap(cell: Place) {
      hands.press("foreground", pixelOf(cell));
      hands.tap("foreground", pixelOf(cell));
    },
    press(key: string, shiftKey = false) {
      hands.key("foreground", new KeyboardEvent("keydown", { key, shiftKey }));
    },
  };
}
