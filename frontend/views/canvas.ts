// A picture's canvas: whole device pixels a cell, redrawn only when what it shows changed.
import { paint } from "../engine/colour.ts";
import type { HeatMap } from "../state/scene.ts";
import { paintOn } from "./bitmap.ts";

const DIMMED = "rgba(8, 12, 24, .6)"; // over the picture below a heat map
const LEAST_CELL = 4; // device pixels: below that a cell need not be of whole ones

interface Size {
  readonly width: number;
  readonly height: number;
}

/** The device pixels for a picture of height × width pixels, `rate` a cell, in `room` across. */
export function fitted(height: number, width: number, rate: number, room: number): Size {
  const most = Math.min(room / width, room / height);
  const scale = most * rate >= LEAST_CELL ? Math.floor(most * rate) / rate : most;
  return { width: Math.round(width * scale), height: Math.round(height * scale) };
}

export class PictureCanvas {
  private readonly canvas: HTMLCanvasElement;
  private readonly heat = document.createElement("canvas");
  /** What is drawn: while it is the same, nothing is done. */
  private drawn: readonly unknown[] = [];

  constructor(canvas: HTMLCanvasElement) {
    this.canvas = canvas;
  }

  resize({ width, height }: Size): void {
    const { canvas } = this;
    if (canvas.width === width && canvas.height === height) return;
    canvas.width = width;
    canvas.height = height;
    this.drawn = [];
  }

  /** Draw a picture of `rows` × `cols` pixels with a heat map over it. */
  draw(picture: CanvasImageSource | null, map: HeatMap | null, rows: number, cols: number): void {
    const drawn = [picture, map?.values, map?.range.low, map?.range.high, rows, cols];
    if (drawn.every((part, i) => part === this.drawn[i]) && this.drawn.length) return;
    this.drawn = drawn;
    const { width, height } = this.canvas;
    const pen = this.canvas.getContext("2d");
    if (!pen) return;
    pen.imageSmoothingEnabled = false;
    pen.clearRect(0, 0, width, height);
    if (picture) pen.drawImage(picture, 0, 0, width, height);
    if (!map) return;
    pen.fillStyle = DIMMED;
    pen.fillRect(0, 0, width, height);
    const { values, range, least = -1, isDone = () => true } = map;
    paintOn(this.heat, map.rows, map.cols, (i) => {
      return Math.abs(values[i]) <= least || !isDone(i) ? null : paint(values[i], range);
    });
    // A patch of stride s stands on s × s cells; the last may stick out.
    const across = (map.cols * map.step * width) / cols;
    const down = (map.rows * map.step * height) / rows;
    pen.drawImage(this.heat, 0, 0, across, down);
  }
}
