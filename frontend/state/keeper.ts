// Keeping a place, up to five cells, and letting them go.
import { type Cursor, keptQuery, type Place, samePlace } from "./cursor.ts";
import { includesCell, MOST_KEPT, withoutCell } from "./kept.ts";
import type { Kernel } from "./kernel.ts";
import { cursorAt, isAt, patchAt, queryAt } from "./places.ts";
import type { ViewName } from "./scene.ts";
import type { Session } from "./session.ts";

type QueryCursor = Extract<Cursor, { kind: "query" }>;

export class Keeper {
  private readonly session: Session;
  private readonly kernel: Kernel;
  /** The kept query with the patch that pointing gave it, and as it was before that. */
  private pair: { readonly shown: Cursor; readonly before: Cursor } | null = null;

  constructor(session: Session, kernel: Kernel) {
    this.session = session;
    this.kernel = kernel;
  }

  /** The kept query beside a patch that is pointed at. */
  showPair(cursor: QueryCursor, partner: number): void {
    if (cursor.partner === partner) return;
    const before = this.pair?.shown === cursor ? this.pair.before : cursor;
    const shown = { ...cursor, partner };
    this.pair = { shown, before };
    this.session.cursor.value = shown;
  }

  /** No patch is pointed at any longer. */
  hidePair(): void {
    const { cursor } = this.session;
    if (this.pair?.shown === cursor.value) cursor.value = this.pair.before;
  }

  /** Keep what is clicked, or let it go where it is kept. With a query kept, it is its partner. */
  click(view: ViewName, at: Place): void {
    const { session, kernel } = this;
    const cursor = session.cursor.value;
    const isOnlyShown = this.pair?.shown === cursor;
    this.forget();
    if (cursor.kind === "query" && cursor.kept && view === "background") {
      const patch = patchAt(session, at);
      const isAgain = cursor.partner === patch && !isOnlyShown;
      kernel.publish({ cursor: keptQuery(cursor.query, isAgain ? null : patch) });
      return;
    }
    const pointed = cursorAt(session, view, at, false);
    const cells = session.keptCells.value;
    if (!session.kept || !isAt(cursor, pointed)) {
      this.keepAlone(view, at);
    } else if (pointed.kind === "query" && cells.length > 1) {
      this.keepCells(withoutCell(cells, pointed.query));
    } else {
      kernel.publish({ cursor: pointed });
    }
  }

  /** Keep what keys lead to. They let nothing go: at a picture's edge the cell stays the same. */
  keep(view: ViewName, at: Place): void {
    const { session } = this;
    const cursor = session.cursor.value;
    this.forget();
    if (cursor.kind === "query" && cursor.kept && view === "background") {
      this.kernel.publish({ cursor: keptQuery(cursor.query, patchAt(session, at)) });
    } else {
      this.keepAlone(view, at);
    }
  }

  /** Show a place, and let go what is kept. */
  show(cursor: Cursor): void {
    this.forget();
    this.session.cells.value = [];
    this.kernel.publish({ cursor });
  }

  /** Keep a cell beside those that are kept; one of these is let go. */
  keepFurther(cell: Place): void {
    const { session } = this;
    const cells = session.keptCells.value;
    this.forget();
    if (includesCell(cells, cell)) {
      this.keepCells(withoutCell(cells, cell));
    } else if (cells.length < MOST_KEPT) {
      this.keepCells([...cells, cell]);
    } else {
      this.refuse();
    }
  }

  /** Leave the cell where it is: arrows move another one from there on. */
  leaveBehind(cell: Place): void {
    const others = withoutCell(this.session.keptCells.value, cell);
    this.forget();
    if (others.length + 1 < MOST_KEPT) this.keepCells([...others, cell, cell]);
    else this.refuse();
  }

  /** Arrows in the foreground take the last kept cell along. */
  move(at: Place): void {
    const { session } = this;
    const cursor = session.cursor.value;
    const cells = session.cells.value;
    const isLast = cursor.kind === "query" && samePlace(cells.at(-1) ?? null, cursor.query);
    if (session.kept && isLast) {
      this.forget();
      this.keepCells([...cells.slice(0, -1), queryAt(session, at)]);
    } else {
      this.keep("foreground", at);
    }
  }

  private keepAlone(view: ViewName, at: Place): void {
    this.session.cells.value = [];
    this.kernel.publish({ cursor: cursorAt(this.session, view, at, true) });
  }

  /** Keep these cells; the cursor is on the last. */
  private keepCells(cells: readonly Place[]): void {
    const last = cells.at(-1);
    this.session.cells.value = cells;
    this.kernel.publish({ cursor: last ? keptQuery(last) : this.session.home.value });
  }

  private refuse(): void {
    this.session.message.value = `${MOST_KEPT} cells are kept; no more can be. Esc lets all go.`;
  }

  /** Neither a pair that is only shown nor a box outlives what is kept next. */
  private forget(): void {
    this.pair = null;
    this.session.region.value = null;
  }

  /** Escape: a box goes first, then all that is kept. */
  letGo(): void {
    const { session } = this;
    if (session.region.value) session.region.value = null;
    else this.show(session.home.value);
  }
}
