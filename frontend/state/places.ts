// What lies at a pixel of a picture.
import { clamp } from "../engine/numbers.ts";
import { type Cursor, type Place, patchOf, queryOf, samePlace } from "./cursor.ts";
import type { ViewName } from "./scene.ts";
import type { Session } from "./session.ts";

/** What the cursor is at a pixel of a picture. */
export function cursorAt(session: Session, view: ViewName, at: Place, kept: boolean): Cursor {
  if (view === "output") return { kind: "pixel", pixel: at, kept };
  if (view === "background")
    return { kind: "patch", patch: patchAt(session, at), query: null, kept };
  return { kind: "query", query: queryAt(session, at), partner: null, kept };
}

export function queryAt(session: Session, [y, x]: Place): Place {
  const { h, w, config } = session.attention;
  const { rate } = config;
  return [clamp(Math.floor(y / rate), h), clamp(Math.floor(x / rate), w)];
}

export function patchAt(session: Session, [y, x]: Place): number {
  const { gh, gw, config } = session.attention;
  const step = config.rate * config.stride;
  return clamp(Math.floor(y / step), gh) * gw + clamp(Math.floor(x / step), gw);
}

/** Whether a cursor is at a place that is pointed at, kept or not, whatever else it holds. */
export function isAt(cursor: Cursor, pointed: Cursor): boolean {
  if (cursor.kind === "patch" && pointed.kind === "patch") return cursor.patch === pointed.patch;
  return cursor.kind === pointed.kind && samePlace(queryOf(cursor, 1), queryOf(pointed, 1));
}

/** The pixel of a picture that the cursor is at. */
function placeOf(session: Session, view: ViewName): Place | null {
  const cursor = session.cursor.value;
  if (view === "output") return cursor.kind === "pixel" ? cursor.pixel : null;
  const { attention } = session;
  const { rate } = attention.config;
  const patch = patchOf(cursor);
  const patchCell = patch === null ? null : attention.cellOf(patch);
  const cell = view === "foreground" ? queryOf(cursor, rate) : patchCell;
  return cell && [cell[0] * rate, cell[1] * rate];
}

/** The pixel that so many cells from the present one lead to; the middle where there is none. */
export function placeAfter(session: Session, view: ViewName, [down, right]: Place): Place {
  const { attention } = session;
  const { rate, stride } = attention.config;
  const [height, width] =
    view === "background" ? [attention.Hb, attention.Wb] : [attention.H, attention.W];
  const now = placeOf(session, view);
  if (!now) return [height >> 1, width >> 1];
  const steps = { foreground: rate, background: rate * stride, output: 1 };
  const step = steps[view];
  return [clamp(now[0] + down * step, height), clamp(now[1] + right * step, width)];
}
