// Painting the hole: a drag is a stroke, and each stroke can be undone.
import { clamp } from "../engine/numbers.ts";
import { rectangle, stroke } from "../engine/painting.ts";
import type { Mask } from "./arrays.ts";
import type { Place } from "./cursor.ts";
import type { Kernel } from "./kernel.ts";
import { paintedNote } from "./painted.ts";
import { isLocked } from "./recorded.ts";
import type { ViewName } from "./scene.ts";
import type { Session, Tool } from "./session.ts";

const PAINTING_TOOLS: readonly Tool[] = ["brush", "erase", "rectangle"];

/** A drag that paints. */
interface Stroke {
  /** The hole as it was before. */
  readonly before: Mask | null;
  readonly start: Place;
  last: Place;
}

export class Painter {
  private readonly session: Session;
  private readonly kernel: Kernel;
  private stroke: Stroke | null = null;

  constructor(session: Session, kernel: Kernel) {
    this.session = session;
    this.kernel = kernel;
  }

  /** The picture that the hole is painted on. */
  get canvas(): ViewName {
    const { sameSize, foregroundMask } = this.session.run.inputs;
    return sameSize && !foregroundMask ? "foreground" : "background";
  }

  /** Whether a drag over a picture would paint. */
  takes(view: ViewName): boolean {
    return PAINTING_TOOLS.includes(this.session.tool.value) && view === this.canvas;
  }

  get isPainting(): boolean {
    return this.stroke !== null;
  }

  begin(view: ViewName, at: Place): void {
    if (isLocked(this.session, ["mask"])) return;
    this.stroke = { before: this.session.run.mask, start: at, last: at };
    this.drag(view, at);
  }

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

  /** What was painted can be undone. */
  end(): void {
    if (this.stroke) {
      this.remember(this.stroke.before);
      this.explain();
    }
    this.stroke = null;
  }

  /** What stays as it was; with A pinned the status line says what differs from it. */
  private explain(): void {
    const { message, pinned, run } = this.session;
    if (!pinned.value) message.value = paintedNote(run);
  }

  private remember(mask: Mask | null): void {
    const { undoable } = this.session;
    undoable.value = [...undoable.value, mask];
  }

  undo(): void {
    const { undoable } = this.session;
    if (!undoable.value.length || isLocked(this.session, ["mask"])) return;
    const mask = undoable.value[undoable.value.length - 1];
    undoable.value = undoable.value.slice(0, -1);
    this.kernel.paint(mask);
  }

  /** Another hole in place of the present one. */
  put(mask: Mask | null): void {
    if (isLocked(this.session, ["mask"])) return;
    this.remember(this.session.run.mask);
    this.kernel.paint(mask);
    this.explain();
  }
}
