// Numbers beside boxes: none over another, over a box, over an arrow or over the picture's edge.
import { describe, expect, test } from "vitest";
import type { Mark } from "../steps/step.ts";
import { withLabels } from "../views/labels.ts";

const GROUND = { rows: 128, cols: 128, scale: 3 };
const HEIGHT = 12;
const CHARACTER = 8;

/** Best matches at cells of 2 × 2 pixels, the best on top. */
const best = (cells: readonly (readonly [number, number])[]): Mark[] =>
  cells
    .map(([row, column], i): Mark => {
      const box = [2 * row, 2 * column, 2, 2] as const;
      return { box, kind: "match dashed", label: String(i + 1) };
    })
    .reverse();

interface Area {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

const middleOf = ({ box: [y, x, height, width] }: Mark, scale: number) =>
  [(y + height / 2) * scale, (x + width / 2) * scale] as const;

function labelArea(mark: Mark, scale = GROUND.scale): Area | null {
  if (!mark.label || !mark.labelAt) return null;
  const [y, x] = middleOf(mark, scale);
  const [top, left] = [y + mark.labelAt[0], x + mark.labelAt[1]];
  return { left, top, right: left + CHARACTER * mark.label.length, bottom: top + HEIGHT };
}

/** What a cell of 6 CSS pixels is drawn as, with its frame. */
function drawnBox(mark: Mark): Area {
  const [y, x] = middleOf(mark, GROUND.scale);
  return { left: x - 6, top: y - 6, right: x + 6, bottom: y + 6 };
}

const meet = (one: Area, other: Area): boolean =>
  one.left < other.right &&
  other.left < one.right &&
  one.top < other.bottom &&
  other.top < one.bottom;

function collisions(marks: readonly Mark[]): string[] {
  const found: string[] = [];
  marks.forEach((mark, i) => {
    const area = labelArea(mark);
    if (!area) return;
    marks.forEach((other, j) => {
      const label = labelArea(other);
      if (j > i && label && meet(area, label)) found.push(`${mark.label} over ${other.label}`);
      if (meet(area, drawnBox(other))) found.push(`${mark.label} over box ${other.label}`);
    });
    const isInside = area.left >= 0 && area.top >= 0 && area.right <= 384 && area.bottom <= 384;
    if (!isInside) found.push(`${mark.label} cut off`);
  });
  return found;
}

const shown = (marks: readonly Mark[]) => marks.map(({ label }) => label).filter(Boolean);

describe("numbers of the five best", () => {
  test.each([
    [
      "far apart",
      [
        [5, 5],
        [20, 9],
        [40, 40],
        [9, 50],
        [50, 9],
      ],
    ],
    [
      "on a diagonal",
      [
        [20, 20],
        [21, 21],
        [22, 22],
        [23, 23],
        [24, 24],
      ],
    ],
    [
      "side by side",
      [
        [20, 20],
        [20, 22],
        [20, 24],
        [20, 26],
        [20, 28],
      ],
    ],
    [
      "in a corner",
      [
        [0, 0],
        [0, 6],
        [6, 0],
        [6, 6],
        [12, 12],
      ],
    ],
    [
      "in the last corner",
      [
        [63, 63],
        [63, 57],
        [57, 63],
        [52, 52],
        [59, 51],
      ],
    ],
  ] as const)("%s: all, and none over anything", (_, cells) => {
    const placed = withLabels(best(cells), [], GROUND);
    expect(shown(placed)).toEqual(["5", "4", "3", "2", "1"]);
    expect(collisions(placed)).toEqual([]);
  });

  test("touching in a heap: those that find no place are left out, the best one stays", () => {
    const heap = [
      [20, 20],
      [20, 21],
      [21, 20],
      [21, 21],
      [20, 22],
    ] as const;
    const placed = withLabels(best(heap), [], GROUND);
    expect(shown(placed)).toContain("1");
    expect(shown(placed).length).toBeGreaterThan(2);
    expect(withLabels(best(heap), [], GROUND)).toEqual(placed);
  });

  test("an arrow from the right sends the number elsewhere", () => {
    const [alone] = withLabels(best([[20, 20]]), [], GROUND);
    const arrow = { from: [41, 100], to: [41, 41], kind: "query" } as const;
    const [beside] = withLabels(best([[20, 20]]), [arrow], GROUND);
    expect(beside.labelAt).not.toEqual(alone.labelAt);
    const area = labelArea(beside);
    expect(area && (area.right < 41 * 3 || area.bottom < 41 * 3 || area.top > 41 * 3)).toBe(true);
  });
});

test("numbers of kept cells are never left out", () => {
  const kept = [1, 2, 3, 4, 5].map(
    (number): Mark => ({ box: [40, 40, 2, 2], kind: "query kept", label: String(number) }),
  );
  expect(shown(withLabels(kept, [], GROUND)).length).toBe(5);
});
