// A box of cells and the sum of their rows.
import { describe, expect, test } from "vitest";
import { type Clock, queriesOf, sumRegions } from "../state/region.ts";
import type { Session } from "../state/session.ts";
import { HOME, pixelOf, setUp } from "./pointing.ts";
import { hole } from "./run.ts";

/** A clock of which each look costs as much, and whose frames come when they are called for. */
function slowClock(milliseconds: number) {
  let time = 0;
  let frame: (() => void) | null = null;
  const clock: Clock = {
    now: () => {
      time += milliseconds;
      return time;
    },
    onNextFrame: (call) => {
      frame = call;
      return () => {
        frame = null;
      };
    },
  };
  const next = () => {
    const call = frame;
    frame = null;
    call?.();
    return call !== null;
  };
  return { clock, next };
}

describe("a region", () => {
  const box = { from: [1, 3], to: [4, 1], isComplete: true } as const;

  /** The sum of the rows of the box, the slow way. */
  function expected(session: Session): number[] {
    const { attention } = session;
    const sum = new Array<number>(attention.L).fill(0);
    for (let row = 1; row <= 4; row++) {
      for (let column = 1; column <= 3; column++) {
        attention.row("attention", row * attention.w + column).forEach((value, q) => {
          sum[q] += value;
        });
      }
    }
    return sum;
  }

  test("is drawn by a drag, and its sum is that of its cells' rows", () => {
    const { session, hands } = setUp();
    const { clock } = slowClock(0);
    const stop = sumRegions(session, clock);
    hands.choose("region");
    expect(hands.press("foreground", pixelOf([1, 3]))).toBe(true);
    expect(session.regionSum.value).toBe(null);
    hands.drag("foreground", pixelOf([4, 1]));
    hands.release("foreground", pixelOf([4, 1]));
    expect(session.region.value).toEqual(box);
    const sum = session.regionSum.value;
    expect(sum?.rowsDone).toBe(12);
    expected(session).forEach((value, q) => {
      expect(sum?.values[q]).toBeCloseTo(value, 12);
    });
    expect(session.scene.value.backgroundHeat?.values).toBe(sum?.values);
    stop();
  });

  test("arrives in slices, and says so once it is slow", () => {
    const { session } = setUp();
    const { clock, next } = slowClock(13);
    const stop = sumRegions(session, clock);
    session.region.value = box;
    const arrived = [session.regionSum.value];
    while (next()) arrived.push(session.regionSum.value);
    expect(arrived.map((sum) => sum?.rowsDone)).toEqual(
      Array.from({ length: 12 }, (_, i) => i + 1),
    );
    expect(arrived[0]?.isSlow).toBe(false);
    expect(arrived.at(-1)?.isSlow).toBe(true);
    expect(Array.from(arrived.at(-1)?.values ?? [])).toEqual(expected(session));
    stop();
  });

  test("is summed anew under another hole, and no longer once it is gone", () => {
    const { session, hands } = setUp();
    const { clock, next } = slowClock(13);
    const stop = sumRegions(session, clock);
    session.region.value = box;
    next();
    session.show(session.run.change(session.run.config, hole(8, 12, 6, 10)));
    expect(session.regionSum.value?.rowsDone).toBe(1);
    while (next());
    expect(Array.from(session.regionSum.value?.values ?? [])).toEqual(expected(session));
    session.region.value = box;
    hands.letGo();
    expect(session.regionSum.value).toBe(null);
    expect(next()).toBe(false);
    stop();
  });

  test("by keys: Enter sets a corner, arrows move, Enter ends, Escape cancels", () => {
    const { session, hands, press } = setUp();
    hands.choose("region");
    press("Enter");
    press("ArrowRight");
    press("ArrowDown");
    press("ArrowDown");
    press("Enter");
    expect(session.region.value).toEqual({ from: HOME, to: [4, 3], isComplete: true });
    expect(session.kept).toBe(false);
    hands.letGo();
    expect(session.region.value).toBe(null);
    press("Enter");
    hands.letGo();
    expect(session.region.value).toBe(null);
  });

  test("goes with another tool, and with what is kept next", () => {
    const { session, hands, click } = setUp();
    session.region.value = box;
    hands.choose("look");
    expect(session.region.value).toBe(null);
    session.region.value = box;
    click([0, 0]);
    expect(session.region.value).toBe(null);
  });

  test("has its queries row by row", () => {
    expect(queriesOf(box, { w: 5 })).toEqual([6, 7, 8, 11, 12, 13, 16, 17, 18, 21, 22, 23]);
  });
});
