// What a hand does on the pictures: look, keep, move by keys, paint the hole.
import { clamp } from "../engine/numbers.ts";
import { rectangle, stroke } from "../engine/painting.ts";
import type { Mask } from "./arrays.ts";
import {
  type Cursor,
  keptQuery,
  NOTHING,
  type Place,
  patchOf,
  queryOf,
  sameCursor,
} from "./cursor.ts";
import type { Kernel } from "./kernel.ts";
import type { ViewName } from "./scene.ts";
import type { Session } from "./session.ts";

/** Where each key goes: rows down, columns right. */
const MOVES: Readonly<Record<string, Place>> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
  Enter: [0, 0],
  " ": [0, 0],
};
const FAR = 8; // cells, with Shift

type QueryCursor = Extract<Cursor, { kind: "query" }>;

/** A drag that paints. */
interface Stroke {
  /** The hole as it was before. */
  readonly before: Mask | null;
  readonly start: Place;
  last: Place;
}

export class Hands {
  private readonly session: Session;
  private readonly kernel: Kernel;
  private stroke: Stroke | null = null;
  /** The kept query with the patch that hovering gave it, and as it was before that. */
  private pair: { readonly hovered: Cursor; readonly before: Cursor } | null = null;

  constructor(session: Session, kernel: Kernel) {
    this.session = session;
    this.kernel = kernel;
  }

  /** The picture that the hole is painted on. */
  get canvas(): ViewName {
    const { sameSize, foregroundMask } = this.session.run.inputs;
    return sameSize && !foregroundMask ? "foreground" : "background";
  }

  /** What the cursor is at a pixel of a picture. */
  private cursorAt(view: ViewName, at: Place, kept: boolean): Cursor {
    if (view === "output") return { kind: "pixel", pixel: at, kept };
    if (view === "background") return { kind: "patch", patch: this.patchAt(at), query: null, kept };
    return { kind: "query", query: this.queryAt(at), partner: null, kept };
  }

  private queryAt([y, x]: Place): Place {
    const { h, w, config } = this.session.attention;
    const { rate } = config;
    return [clamp(Math.floor(y / rate), h), clamp(Math.floor(x / rate), w)];
  }

  private patchAt([y, x]: Place): number {
    const { gh, gw, config } = this.session.attention;
    const step = config.rate * config.stride;
    return clamp(Math.floor(y / step), gh) * gw + clamp(Math.floor(x / step), gw);
  }

  private show(cursor: Cursor): void {
    const now = this.session.cursor;
    if (!sameCursor(now.value, cursor)) now.value = cursor;
  }

  /** The mouse is at a pixel of a picture. */
  hover(view: ViewName, at: Place): void {
    const cursor = this.session.cursor.value;
    if (!this.session.kept) {
      this.show(this.cursorAt(view, at, false));
    } else if (cursor.kind === "query" && view === "background") {
      this.showPair(cursor, this.patchAt(at));
    } else if (cursor.kind === "patch" && view === "foreground") {
      this.show({ ...cursor, query: this.queryAt(at) });
    }
  }

  /** The mouse has left a picture. */
  leave(view: ViewName): void {
    const cursor = this.session.cursor.value;
    if (!this.session.kept) this.show(NOTHING);
    else if (this.pair?.hovered === cursor && view !== "foreground") this.show(this.pair.before);
  }

  /** The kept query beside a patch that is pointed at. */
  private showPair(cursor: QueryCursor, partner: number): void {
    if (cursor.partner === partner) return;
    const before = this.pair?.hovered === cursor ? this.pair.before : cursor;
    const hovered = { ...cursor, partner };
    this.pair = { hovered, before };
    this.session.cursor.value = hovered;
  }

  /** With a query kept, a patch becomes its partner. */
  private keep(view: ViewName, at: Place): void {
    const cursor = this.session.cursor.value;
    const isPair = cursor.kind === "query" && cursor.kept && view === "background";
    this.kernel.publish({
      cursor: isPair ? keptQuery(cursor.query, this.patchAt(at)) : this.cursorAt(view, at, true),
    });
  }

  /** Arrows move in a picture and keep, Enter and space keep or paint. */
  key(view: ViewName, event: KeyboardEvent): void {
    const move = MOVES[event.key];
    if (!move || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    const [y, x] = move;
    const at = this.placeAfter(view, event.shiftKey ? [FAR * y, FAR * x] : move);
    if (y === 0 && x === 0) this.press(view, at);
    this.release(view, at);
  }

  /** The pixel that so many cells from the present one lead to; the middle where there is none. */
  private placeAfter(view: ViewName, [down, right]: Place): Place {
    const { attention, cursor } = this.session;
    const { rate, stride } = attention.config;
    const [height, width] =
      view === "background" ? [attention.Hb, attention.Wb] : [attention.H, attention.W];
    const now = this.placeOf(view, cursor.value);
    if (!now) return [height >> 1, width >> 1];
    const steps = { foreground: rate, background: rate * stride, output: 1 };
    const step = steps[view];
    return [clamp(now[0] + down * step, height), clamp(now[1] + right * step, width)];
  }

  /** The pixel of a picture that a cursor is at. */
  private placeOf(view: ViewName, cursor: Cursor): Place | null {
    if (view === "output") return cursor.kind === "pixel" ? cursor.pixel : null;
    const { attention } = this.session;
    const { rate } = attention.config;
    const patch = patchOf(cursor);
    const patchCell = patch === null ? null : attention.cellOf(patch);
    const cell = view === "foreground" ? queryOf(cursor, rate) : patchCell;
    return cell && [cell[0] * rate, cell[1] * rate];
  }

  /** A button goes down. Whether this begins to paint. */
  press(view: ViewName, at: Place): boolean {
    const { run, tool } = this.session;
    if (tool.value === "look" || view !== this.canvas) return false;
    this.stroke = { before: run.mask, start: at, last: at };
    this.drag(view, at);
    return true;
  }

  /** The mouse moves with the button down. */
  drag(view: ViewName, at: Place): void {
    const { stroke: begun, session } = this;
    if (!begun || view !== this.canvas) return;
    const { run } = session;
    const { Hb, Wb } = run.inputs;
    const shape = begun.before?.shape ?? [1, Hb, Wb];
    const tool = session.tool.value;
    const from = tool === "rectangle" ? begun.before : run.mask;
    const data = from?.data.slice() ?? new Uint8Array(Hb * Wb);
    const which = clamp(session.sample.value, shape[0]);
    const plane = data.subarray(which * Hb * Wb, (which + 1) * Hb * Wb);
    if (tool === "rectangle") rectangle(plane, Wb, begun.start, at);
    else stroke(plane, Wb, begun.last, at, session.brush.value, tool === "brush" ? 1 : 0);
    begun.last = at;
    this.kernel.paint({ shape, data });
  }

  /** The button goes up: what was painted can be undone; where nothing was, the place is kept. */
  release(view: ViewName, at: Place): void {
    if (this.stroke) {
      this.remember(this.stroke.before);
      this.stroke = null;
    } else {
      this.keep(view, at);
    }
  }

  private remember(mask: Mask | null): void {
    const { undoable } = this.session;
    undoable.value = [...undoable.value, mask];
  }

  undo(): void {
    const { undoable } = this.session;
    if (!undoable.value.length) return;
    const mask = undoable.value[undoable.value.length - 1];
    undoable.value = undoable.value.slice(0, -1);
    this.kernel.paint(mask);
  }

  /** Another hole in place of the present one. */
  put(mask: Mask | null): void {
    this.remember(this.session.run.mask);
    this.kernel.paint(mask);
  }
}
