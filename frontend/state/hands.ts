// What a hand does on the pictures, with mouse, finger or keys: look, keep, draw a box, paint.
import { clamp } from "../engine/numbers.ts";
import type { Mask } from "./arrays.ts";
import { type Cursor, type Place, sameCursor } from "./cursor.ts";
import { Keeper } from "./keeper.ts";
import type { Kernel } from "./kernel.ts";
import { Painter } from "./painter.ts";
import { cursorAt, isAt, patchAt, placeAfter, queryAt } from "./places.ts";
import type { ViewName } from "./scene.ts";
import type { Session, Tool } from "./session.ts";

/** Where each key goes: rows down, columns right. */
const ARROWS: Readonly<Record<string, Place>> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
};
const FAR = 8; // cells, with Shift

export class Hands {
  private readonly session: Session;
  private readonly keeper: Keeper;
  private readonly painter: Painter;

  constructor(session: Session, kernel: Kernel) {
    this.session = session;
    this.keeper = new Keeper(session, kernel);
    this.painter = new Painter(session, kernel);
  }

  // ---- tools ----

  choose(tool: Tool): void {
    this.session.tool.value = tool;
    if (tool !== "region") this.session.region.value = null;
  }

  /** The picture that the hole is painted on. */
  get canvas(): ViewName {
    return this.painter.canvas;
  }

  /** Whether a drag over a picture does something: then a finger there does not scroll. */
  takesDrags(view: ViewName): boolean {
    return this.painter.takes(view) || this.drawsBoxes(view);
  }

  private drawsBoxes(view: ViewName): boolean {
    return this.session.tool.value === "region" && view === "foreground";
  }

  private get isDragging(): boolean {
    return this.painter.isPainting || this.session.region.value?.isComplete === false;
  }

  undo(): void {
    this.painter.undo();
  }

  /** Another hole in place of the present one. */
  put(mask: Mask | null): void {
    this.painter.put(mask);
  }

  /** Escape. */
  letGo(): void {
    this.keeper.letGo();
  }

  // ---- mouse ----

  private show(cursor: Cursor): void {
    const now = this.session.cursor;
    if (!sameCursor(now.value, cursor)) now.value = cursor;
  }

  /** The mouse is at a pixel of a picture. */
  hover(view: ViewName, at: Place): void {
    const { session } = this;
    const cursor = session.cursor.value;
    if (session.region.value) return;
    if (!session.kept) {
      this.show(cursorAt(session, view, at, false));
    } else if (cursor.kind === "query" && view === "background") {
      this.keeper.showPair(cursor, patchAt(session, at));
    } else if (cursor.kind === "patch" && view === "foreground") {
      this.show({ ...cursor, query: queryAt(session, at) });
    }
  }

  /** The mouse has left a picture. */
  leave(view: ViewName): void {
    if (!this.session.kept) this.show(this.session.home.value);
    else if (view !== "foreground") this.keeper.hidePair();
  }

  /** A button goes down. Whether this begins a drag. */
  press(view: ViewName, at: Place): boolean {
    if (this.drawsBoxes(view)) {
      const cell = queryAt(this.session, at);
      this.session.region.value = { from: cell, to: cell, isComplete: false };
      return true;
    }
    if (!this.painter.takes(view)) return false;
    this.painter.begin(view, at);
    return true;
  }

  /** The mouse moves with the button down. */
  drag(view: ViewName, at: Place): void {
    const { region } = this.session;
    if (this.painter.isPainting) {
      this.painter.drag(view, at);
    } else if (region.value?.isComplete === false && view === "foreground") {
      region.value = { ...region.value, to: queryAt(this.session, at) };
    }
  }

  /** The button goes up: a drag ends; where none was, the place is kept, beside others perhaps. */
  release(view: ViewName, at: Place, isFurther = false): void {
    const { region } = this.session;
    if (this.painter.isPainting) {
      this.painter.end();
    } else if (this.painter.takes(view)) {
      // Nothing is kept with a brush in hand, even where the hole has to stay.
    } else if (region.value?.isComplete === false) {
      region.value = { ...region.value, isComplete: true };
    } else if (isFurther && view === "foreground") {
      this.keeper.keepFurther(queryAt(this.session, at));
    } else {
      this.keeper.click(view, at);
    }
  }

  // ---- finger ----

  /** A finger was put down and lifted: the first time shows, a second time at a place keeps. */
  tap(view: ViewName, at: Place): void {
    const { session, keeper } = this;
    if (this.isDragging) {
      this.release(view, at);
      return;
    }
    const cursor = session.cursor.value;
    if (cursor.kind === "query" && cursor.kept && view === "background") {
      const patch = patchAt(session, at);
      if (cursor.partner === patch) keeper.click(view, at);
      else keeper.showPair(cursor, patch);
      return;
    }
    const tapped = cursorAt(session, view, at, false);
    if (isAt(cursor, tapped)) keeper.click(view, at);
    else keeper.show(tapped);
  }

  /** The browser has taken a drag over, to scroll. */
  cancel(): void {
    const { region } = this.session;
    this.painter.end();
    if (region.value?.isComplete === false) region.value = null;
  }

  // ---- keys ----

  /** Arrows move in a picture and keep, Enter and space keep, paint, or set a box's corner. */
  key(view: ViewName, event: KeyboardEvent): void {
    const arrow = ARROWS[event.key];
    const isEnter = event.key === "Enter" || event.key === " ";
    if ((!arrow && !isEnter) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    if (isEnter) {
      this.enter(view, event.shiftKey);
      return;
    }
    const by = event.shiftKey ? FAR : 1;
    this.arrow(view, [by * arrow[0], by * arrow[1]]);
  }

  private arrow(view: ViewName, move: Place): void {
    const { session, keeper } = this;
    const drawn = session.region.value;
    if (drawn?.isComplete === false && view === "foreground") {
      const { h, w } = session.attention;
      const [row, column] = drawn.to;
      const to: Place = [clamp(row + move[0], h), clamp(column + move[1], w)];
      session.region.value = { ...drawn, to };
      return;
    }
    const at = placeAfter(session, view, move);
    if (view === "foreground") keeper.move(at);
    else keeper.keep(view, at);
  }

  /** With Region, Enter sets one corner and then the other one. */
  private enter(view: ViewName, isFurther: boolean): void {
    const { session, keeper } = this;
    const at = placeAfter(session, view, [0, 0]);
    if (this.drawsBoxes(view) && this.isDragging) {
      this.release(view, at);
    } else if (this.drawsBoxes(view)) {
      this.press(view, at);
    } else if (this.press(view, at)) {
      this.release(view, at);
    } else if (isFurther && view === "foreground") {
      keeper.leaveBehind(queryAt(session, at));
    } else {
      keeper.keep(view, at);
    }
  }
}
