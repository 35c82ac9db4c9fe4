// Where the numbers beside the boxes stand: close to their box, clear of each other and of arrows.
import type { Arrow, Mark } from "../steps/step.ts";

/** Sides of a rectangle, in CSS pixels of the picture. */
interface Area {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** As the style sheet draws them, in CSS pixels. */
const LABEL_HEIGHT = 12;
const CHARACTER = 8;
const LEAST_SIDE = 5;
const FRAME = 4; // padding, border and dark outline
const SECOND_FRAME = 4; // around what is kept
const THIN_FRAME = 2;

const GAP = 1; // between a box and its number
const LINE = 4; // how wide an arrow is
/** Of its area: a number that would be covered more is left out where another list has it. */
const TOLERABLE = 0.15;

/** Which way from its box a number may stand, the best first: down, right. */
const WAYS: readonly (readonly [number, number])[] = [
  [-0.5, 1],
  [-1, 1],
  [0.5, 1],
  [-0.5, -1],
  [-1, -1],
  [1, 1],
  [1, -1],
  [-1, 0],
  [1, 0],
];

/** The picture that the marks lie over. */
export interface Ground {
  readonly rows: number;
  readonly cols: number;
  /** CSS pixels in a pixel of the picture. */
  readonly scale: number;
}

/** The marks with a place for each label. Only numbers of the best may be left out. */
export function withLabels(
  marks: readonly Mark[],
  arrows: readonly Arrow[],
  ground: Ground,
): readonly Mark[] {
  const boxes = marks.map((mark) => areaOf(mark, ground.scale));
  const labels: Area[] = [];
  const placed = [...marks];
  // The last one lies on top, and comes first: it is the best.
  for (let i = marks.length - 1; i >= 0; i--) {
    const { label } = marks[i];
    if (!label) continue;
    const others = boxes.filter((_, j) => j !== i);
    const obstacles = [...others, ...labels, ...labels]; // a label lies even worse over a label
    const { area, covered } = bestPlace(label, boxes[i], obstacles, arrows, ground);
    const mayGo = labels.length > 0 && marks[i].kind.includes("dashed");
    if (mayGo && covered > TOLERABLE) {
      placed[i] = { ...marks[i], label: "" };
      continue;
    }
    labels.push(area);
    const { left, top, right, bottom } = boxes[i];
    const labelAt = [area.top - (top + bottom) / 2, area.left - (left + right) / 2] as const;
    placed[i] = { ...marks[i], labelAt };
  }
  return placed;
}

/** A box as it is drawn. */
function areaOf({ box: [y, x, height, width], kind }: Mark, scale: number): Area {
  const names = kind.split(" ");
  let frame = names.includes("light") ? THIN_FRAME : FRAME;
  if (names.includes("kept")) frame += SECOND_FRAME;
  const across = Math.max(LEAST_SIDE, width * scale) / 2 + frame;
  const down = Math.max(LEAST_SIDE, height * scale) / 2 + frame;
  const [middleY, middleX] = [(y + height / 2) * scale, (x + width / 2) * scale];
  return {
    left: middleX - across,
    top: middleY - down,
    right: middleX + across,
    bottom: middleY + down,
  };
}

/** The place beside a box where a label is covered least, and which part of it is covered. */
function bestPlace(
  label: string,
  box: Area,
  obstacles: readonly Area[],
  arrows: readonly Arrow[],
  ground: Ground,
): { area: Area; covered: number } {
  let best: Area | null = null;
  let least = Number.POSITIVE_INFINITY;
  const width = label.length * CHARACTER;
  const areas = WAYS.map((way) => areaBeside(box, way, width));
  if (hasRoom(box, width)) areas.push(areaWithin(box, width));
  for (const area of areas) {
    const covered = coveredOf(area, obstacles, arrows, ground);
    if (covered < least) {
      best = area;
      least = covered;
    }
    if (least === 0) break;
  }
  return { area: best ?? areas[0], covered: least / (width * LABEL_HEIGHT) };
}

/** Whether a label may stand in its box, too: cells are large where there are few. */
const hasRoom = ({ left, top, right, bottom }: Area, width: number): boolean =>
  right - left >= width + 2 * FRAME && bottom - top >= LABEL_HEIGHT + 2 * FRAME;

function areaWithin({ top, right }: Area, width: number): Area {
  const [up, end] = [top + FRAME, right - FRAME];
  return { left: end - width, top: up, right: end, bottom: up + LABEL_HEIGHT };
}

function areaBeside(box: Area, [down, right]: readonly [number, number], width: number): Area {
  let left = (box.left + box.right - width) / 2;
  if (right > 0) left = box.right + GAP;
  if (right < 0) left = box.left - GAP - width;
  let top = (box.top + box.bottom - LABEL_HEIGHT) / 2 + down * LABEL_HEIGHT;
  if (down === 1) top = box.bottom - (right === 0 ? -GAP : 2 * GAP);
  if (down === -1) top = box.top - LABEL_HEIGHT + (right === 0 ? -GAP : 2 * GAP);
  return { left, top, right: left + width, bottom: top + LABEL_HEIGHT };
}

/** How much of a label is covered or cut off, in square pixels. */
function coveredOf(
  label: Area,
  obstacles: readonly Area[],
  arrows: readonly Arrow[],
  { rows, cols, scale }: Ground,
): number {
  const picture = { left: 0, top: 0, right: cols * scale, bottom: rows * scale };
  const size = (label.right - label.left) * (label.bottom - label.top);
  let covered = 4 * (size - common(label, picture)); // cut off is worst
  for (const obstacle of obstacles) covered += common(label, obstacle);
  for (const { from, to } of arrows) {
    covered +=
      LINE *
      lengthWithin(label, [from[0] * scale, from[1] * scale], [to[0] * scale, to[1] * scale]);
  }
  return covered;
}

function common(one: Area, other: Area): number {
  const width = Math.min(one.right, other.right) - Math.max(one.left, other.left);
  const height = Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top);
  return width > 0 && height > 0 ? width * height : 0;
}

type Point = readonly [y: number, x: number];

/** How long the part of a line is that lies within an area, with half an arrow's head around. */
function lengthWithin(area: Area, [y0, x0]: Point, [y1, x1]: Point): number {
  const [down, right] = [y1 - y0, x1 - x0];
  let [from, to] = [0, 1];
  const sides = [
    [right, area.left - LINE - x0, area.right + LINE - x0],
    [down, area.top - LINE - y0, area.bottom + LINE - y0],
  ];
  for (const [step, low, high] of sides) {
    if (step === 0) {
      if (low > 0 || high < 0) return 0;
      continue;
    }
    from = Math.max(from, Math.min(low / step, high / step));
    to = Math.min(to, Math.max(low / step, high / step));
  }
  return to > from ? (to - from) * Math.hypot(down, right) : 0;
}
