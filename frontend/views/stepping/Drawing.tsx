// The value's picture: hover says a number, a click or the arrows choose an element.
import { effect, useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { gradient } from "../../engine/colour.ts";
import { clamp } from "../../engine/numbers.ts";
import type { Place } from "../../state/cursor.ts";
import { type Face, indexAt, numberAt, placeIn } from "../../state/face.ts";
import { fitted } from "../canvas.ts";
import { digits } from "../format.ts";
import { useWidth } from "../width.ts";
import { boxOf } from "./bitmaps.ts";
import { useSteppingTools } from "./context.ts";
import { subscript } from "./words.ts";

const LARGEST_CELL = 40; // CSS pixels
const FAR = 8; // places, with Shift
const ARROWS: Readonly<Record<string, Place>> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
};

/** @param tallest CSS pixels. */
export function Drawing({ tallest }: { tallest: number }) {
  const { stepping, bitmaps } = useSteppingTools();
  const room = useRef<HTMLDivElement>(null);
  const stack = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const box = useRef<HTMLElement>(null);
  const width = useWidth(room);
  const hovered = useSignal<Place | null>(null);
  // Drawn within the task in which a signal changes; again only when the picture is another one.
  useLayoutEffect(() => {
    let drawn: readonly unknown[] = [];
    return effect(() => {
      const face = stepping.face.value;
      const { pixels, ratio } = width.value;
      if (!face || !pixels || !canvas.current || !stack.current) return;
      const size = sizeOf(face, pixels, tallest * ratio, LARGEST_CELL * ratio);
      const { look } = stepping.surroundings.value;
      const parts = [face.value, face.key, size.width, size.height, look];
      if (parts.some((part, i) => part !== drawn[i])) {
        drawn = parts;
        canvas.current.width = size.width;
        canvas.current.height = size.height;
        stack.current.style.width = `${size.width / ratio}px`;
        stack.current.style.height = `${size.height / ratio}px`;
        bitmaps.draw(canvas.current, face, look);
      }
      outline(box.current, face);
    });
  }, [stepping, bitmaps, tallest]);

  const placeOf = (event: PointerEvent): Place | null => {
    const face = stepping.face.value;
    const bounds = canvas.current?.getBoundingClientRect();
    if (!face || !bounds) return null;
    const row = Math.floor(((event.clientY - bounds.top) / bounds.height) * face.rows);
    const col = Math.floor(((event.clientX - bounds.left) / bounds.width) * face.cols);
    return [clamp(row, face.rows), clamp(col, face.cols)];
  };
  const choose = (place: Place | null) => {
    const face = stepping.face.value;
    if (face && place) stepping.choose(indexAt(face, place));
  };
  const takeKey = (event: KeyboardEvent) => {
    const face = stepping.face.value;
    const arrow = ARROWS[event.key];
    if (!face || !arrow || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    const [row, col] = placeIn(face, face.through);
    const by = event.shiftKey ? FAR : 1;
    const place: Place = [row + by * arrow[0], col + by * arrow[1]];
    choose(placeWithin(face, place));
  };
  return (
    <div class="ctx-drawing">
      <div class="ctx-mat" ref={room}>
        <div
          ref={stack}
          class="ctx-stack"
          // biome-ignore lint/a11y/noNoninteractiveTabindex: an application takes the keys itself
          tabIndex={0}
          role="application"
          aria-label="the value: arrow keys choose an element, with Shift by 8"
          onPointerMove={(event) => {
            hovered.value = placeOf(event);
          }}
          onPointerLeave={() => {
            hovered.value = null;
          }}
          onClick={(event) => choose(placeOf(event as unknown as PointerEvent))}
          onKeyDown={takeKey}
        >
          <canvas data-view="value" ref={canvas} />
          <i class="ctx-chosen" ref={box} />
        </div>
      </div>
      <p class="ctx-drawing-foot">
        <Hovered place={hovered.value} />
        <Legend />
      </p>
    </div>
  );
}

/** In a part of a value, one may go on to the next part. */
function placeWithin({ layout, from, rows, cols }: Face, [row, col]: Place): Place {
  const lastRow = Math.min(layout.rows, from[0] + rows + 1) - from[0];
  const lastCol = Math.min(layout.cols, from[1] + cols + 1) - from[1];
  const least: Place = [from[0] > 0 ? -1 : 0, from[1] > 0 ? -1 : 0];
  return [
    Math.max(least[0], Math.min(lastRow - 1, row)),
    Math.max(least[1], Math.min(lastCol - 1, col)),
  ];
}

/** Device pixels: whole ones a place, no place too large, and not too tall. */
function sizeOf({ rows, cols }: Face, widest: number, tallest: number, cell: number) {
  const across = Math.min(widest, cols * cell);
  const down = Math.min(tallest, rows * cell);
  const scale = Math.min(across / cols, down / rows);
  const side = fitted(rows, cols, 1, Math.max(rows, cols) * scale);
  // A single row or column is drawn thick enough to be pointed at.
  const thickness = Math.round(0.8 * cell);
  return {
    width: cols === 1 ? Math.max(thickness, side.width) : Math.max(1, side.width),
    height: rows === 1 ? Math.max(thickness, side.height) : Math.max(1, side.height),
  };
}

const ROLES: Readonly<Record<string, string>> = { background: "match", foreground: "query" };

function outline(box: HTMLElement | null, face: Face): void {
  const place = boxOf(face);
  if (!box) return;
  box.hidden = !place;
  if (!place) return;
  box.dataset.role = ROLES[face.value.about.picture] ?? "element";
  box.style.left = `${(100 * (place.col + 0.5)) / face.cols}%`;
  box.style.top = `${(100 * (place.row + 0.5)) / face.rows}%`;
  box.style.width = `${100 / face.cols}%`;
  box.style.height = `${100 / face.rows}%`;
}

/** The number that is pointed at. */
function Hovered({ place }: { place: Place | null }) {
  const face = useSteppingTools().stepping.face.value;
  if (!face) return null;
  if (!place) return <span>{partOf(face)}</span>;
  const index = indexAt(face, place);
  const number = numberAt(face, place);
  return (
    <span data-hovered={index.join()}>
      {subscript(index)} = {number === null ? "not kept" : digits(number)}
    </span>
  );
}

/** What of a value is on screen, where that is not all of it. */
function partOf({ layout, from, rows, cols }: Face): string {
  const isWhole = rows === layout.rows && cols === layout.cols;
  if (isWhole) return "hover: a number · click: its arithmetic";
  return `rows ${from[0]} … ${from[0] + rows - 1}, columns ${from[1]} … ${from[1] + cols - 1}`;
}

function Legend() {
  const face = useSteppingTools().stepping.face.value;
  if (!face) return null;
  const { range } = face;
  if (!range) return <span class="ctx-legend">as colours</span>;
  return (
    <span class="ctx-legend">
      {digits(range.low)} <i style={`background: ${gradient(range.signed)}`} /> {digits(range.high)}
    </span>
  );
}
