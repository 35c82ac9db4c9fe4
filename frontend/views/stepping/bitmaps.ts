// Values as pictures, each painted once; and what they are drawn over.
import { paint } from "../../engine/colour.ts";
import type { Look } from "../../engine/look.ts";
import { coloursOfFace, type Face, type Odd, oddPlaces, placeIn } from "../../state/face.ts";
import type { Value } from "../../state/recording.ts";
import type { ViewName } from "../../state/scene.ts";
import { bitmap } from "../bitmap.ts";

const DIMMED = "rgba(8, 12, 24, .6)"; // over the picture below a heat map
const MOST_GLYPHS = 4000;
const LEAST_GLYPH = 7; // pixels

/** f or b, as the debugger draws it; null where there is none. */
export type Below = (view: ViewName) => CanvasImageSource | null;

export class Bitmaps {
  private readonly painted = new WeakMap<Value, Map<string, HTMLCanvasElement>>();
  private readonly below: Below;

  constructor(below: Below = () => null) {
    this.below = below;
  }

  /** A pixel for each place. */
  private of(face: Face, look: Look | null): HTMLCanvasElement {
    const ofValue = this.painted.get(face.value) ?? new Map<string, HTMLCanvasElement>();
    this.painted.set(face.value, ofValue);
    const known = ofValue.get(face.key);
    if (known) return known;
    const canvas = bitmap(face.rows, face.cols, coloursOfFace(face, look));
    ofValue.set(face.key, canvas);
    return canvas;
  }

  /** Draw a face all over a canvas. */
  draw(canvas: HTMLCanvasElement, face: Face, look: Look | null): void {
    const pen = canvas.getContext("2d");
    if (!pen) return;
    const { width, height } = canvas;
    pen.imageSmoothingEnabled = false;
    pen.clearRect(0, 0, width, height);
    const picture = this.pictureBelow(face);
    if (picture) {
      pen.drawImage(picture, 0, 0, width, height);
      pen.fillStyle = DIMMED;
      pen.fillRect(0, 0, width, height);
    } else if (face.range && !face.range.signed) {
      const [red, green, blue] = paint(face.range.high / 255, face.range);
      pen.fillStyle = `rgb(${red}, ${green}, ${blue})`;
      pen.fillRect(0, 0, width, height);
    }
    pen.drawImage(this.of(face, look), 0, 0, width, height);
    drawOdd(pen, face, width / face.cols, height / face.rows);
  }

  /** What a map lies over: the picture whose grid it covers whole. */
  private pictureBelow({ value, rows, cols }: Face): CanvasImageSource | null {
    const { picture, grid } = value.about;
    const isMap = picture === "background" || picture === "foreground";
    if (!isMap || grid?.[0] !== rows || grid[1] !== cols) return null;
    return this.below(picture);
  }
}

/** A cross for NaN, an arrowhead up or down for infinity: told apart without colour. */
function drawOdd(pen: CanvasRenderingContext2D, face: Face, across: number, down: number): void {
  const places = oddPlaces(face, MOST_GLYPHS);
  if (!places.length) return;
  const side = Math.max(LEAST_GLYPH, Math.min(across, down) * 0.7);
  const taken = new Set<string>();
  for (const { place, odd } of places) {
    const x = (place[1] + 0.5) * across;
    const y = (place[0] + 0.5) * down;
    // Where cells are smaller than a glyph, one stands for those around it.
    const spot = `${Math.floor(x / (1.2 * side))},${Math.floor(y / (1.2 * side))}`;
    if (taken.has(spot) && across < side) continue;
    taken.add(spot);
    strokeTwice(pen, glyph(odd, x, y, side / 2));
  }
}

function glyph(odd: Odd, x: number, y: number, half: number): Path2D {
  const path = new Path2D();
  if (odd === "nan") {
    path.moveTo(x - half, y - half);
    path.lineTo(x + half, y + half);
    path.moveTo(x + half, y - half);
    path.lineTo(x - half, y + half);
    return path;
  }
  const up = odd === "infinity" ? -1 : 1;
  path.moveTo(x - half, y - up * half);
  path.lineTo(x, y + up * half);
  path.lineTo(x + half, y - up * half);
  path.closePath();
  return path;
}

/** Dark, and light within: to be seen on any colour. */
function strokeTwice(pen: CanvasRenderingContext2D, path: Path2D): void {
  pen.lineWidth = 4;
  pen.strokeStyle = "#10141a";
  pen.stroke(path);
  pen.lineWidth = 1.8;
  pen.strokeStyle = "#ffffff";
  pen.stroke(path);
}

/** Where the chosen element is, in parts of the face; null where it is not in it. */
export function boxOf(face: Face): { row: number; col: number } | null {
  const [row, col] = placeIn(face, face.through);
  const isInside = row >= 0 && col >= 0 && row < face.rows && col < face.cols;
  return isInside ? { row, col } : null;
}
