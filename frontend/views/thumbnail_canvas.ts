// A thumbnail: a canvas and outlines that are kept, each changed only when what it shows changed.
import type { Arrow, Layer, Miniature, Outline } from "../steps/step.ts";
import { paintOn } from "./bitmap.ts";

interface Painted {
  readonly canvas: HTMLCanvasElement;
  sources: readonly unknown[];
}

/** How long the sides of an arrow's head are, in parts of the picture's longer side. */
const HEAD = 0.1;

export class ThumbnailCanvas {
  private readonly frame: HTMLElement;
  private readonly canvas: HTMLCanvasElement;
  private readonly line: SVGPathElement | null;
  private readonly layers: Painted[] = [];
  private readonly boxes: HTMLElement[] = [];

  /** @param frame holds a canvas and, for an arrow, a path. */
  constructor(frame: HTMLElement) {
    const canvas = frame.querySelector("canvas");
    if (!canvas) throw new Error("A thumbnail has no canvas.");
    this.frame = frame;
    this.canvas = canvas;
    this.line = frame.querySelector("path");
  }

  draw(miniature: Miniature | null): void {
    this.frame.dataset.blank = String(!miniature);
    if (!miniature) return;
    const { rows, cols, layers, outlines, arrow } = miniature;
    this.compose(rows, cols, layers);
    this.outline(rows, cols, outlines);
    if (arrow) this.point(rows, cols, arrow);
  }

  private compose(rows: number, cols: number, layers: readonly Layer[]): void {
    const { canvas, frame } = this;
    let isSame = canvas.width === cols && canvas.height === rows;
    if (!isSame) {
      canvas.width = cols;
      canvas.height = rows;
      frame.style.setProperty("--ratio", String(cols / rows));
    }
    if (this.layers.length !== layers.length) isSame = false;
    this.layers.length = Math.min(this.layers.length, layers.length);
    layers.forEach((layer, i) => {
      if (!this.paint(i, layer)) isSame = false;
    });
    const pen = isSame ? null : canvas.getContext("2d");
    if (!pen) return;
    pen.imageSmoothingEnabled = false;
    pen.clearRect(0, 0, cols, rows);
    layers.forEach(({ rows: height, cols: width, step }, i) => {
      pen.drawImage(this.layers[i].canvas, 0, 0, width * step, height * step);
    });
  }

  /** Whether the layer was painted already. */
  private paint(i: number, { rows, cols, sources, colours }: Layer): boolean {
    const known = this.layers[i];
    const all = [rows, cols, ...sources];
    if (known && isSameList(known.sources, all)) return true;
    const canvas = known?.canvas ?? document.createElement("canvas");
    paintOn(canvas, rows, cols, colours());
    this.layers[i] = { canvas, sources: all };
    return false;
  }

  private outline(rows: number, cols: number, outlines: readonly Outline[]): void {
    while (this.boxes.length > outlines.length) this.boxes.pop()?.remove();
    while (this.boxes.length < outlines.length) {
      const box = document.createElement("i");
      this.frame.append(box);
      this.boxes.push(box);
    }
    outlines.forEach(({ box: [y, x, height, width], role }, i) => {
      const { style } = this.boxes[i];
      if (this.boxes[i].className !== role) this.boxes[i].className = role;
      style.left = `${(100 * (x + width / 2)) / cols}%`;
      style.top = `${(100 * (y + height / 2)) / rows}%`;
      style.width = `${(100 * width) / cols}%`;
      style.height = `${(100 * height) / rows}%`;
    });
  }

  private point(rows: number, cols: number, { from, to }: Pick<Arrow, "from" | "to">): void {
    const { line } = this;
    if (!line) return;
    line.ownerSVGElement?.setAttribute("viewBox", `0 0 ${cols} ${rows}`);
    line.setAttribute("d", arrowPath(from, to, HEAD * Math.max(rows, cols)));
  }
}

/** A line and, at its end, the two sides of a head; nothing where it leads nowhere. */
function arrowPath(from: Arrow["from"], to: Arrow["to"], head: number): string {
  const [down, right] = [to[0] - from[0], to[1] - from[1]];
  const length = Math.hypot(down, right);
  if (length === 0) return "";
  const side = Math.min(head, length / 2);
  const side1 = headSide(to, Math.atan2(down, right) + Math.PI * 0.8, side);
  const side2 = headSide(to, Math.atan2(down, right) - Math.PI * 0.8, side);
  return `M${from[1]} ${from[0]}L${to[1]} ${to[0]}M${side1}L${to[1]} ${to[0]}L${side2}`;
}

const headSide = ([row, column]: Arrow["to"], angle: number, side: number): string =>
  `${(column + side * Math.cos(angle)).toFixed(2)} ${(row + side * Math.sin(angle)).toFixed(2)}`;

const isSameList = (ones: readonly unknown[], others: readonly unknown[]): boolean =>
  ones.length === others.length && ones.every((one, i) => one === others[i]);
