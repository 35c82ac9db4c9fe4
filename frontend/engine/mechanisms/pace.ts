// How long each tick is looked at while a mechanism plays: the first ones and the last ones long,
// those between quicker and quicker, so that a loop over thousands does not take an hour.

/** Milliseconds of a tick near either end. */
export const SLOW = 900;
/** So many ticks at either end are slow. */
const SLOW_TICKS = 3;
const QUICKENING = 0.8;
/** Milliseconds that all quick ticks together take at least. */
const MIDDLE = 5000;
/** With reduced motion nothing flashes past: a long loop is shown at so many stations. */
const STATIONS = 40;

/** Milliseconds that a tick is looked at. */
export function dwell(tick: number, last: number): number {
  const toEnd = Math.min(tick, last - tick);
  const quickened = SLOW * QUICKENING ** Math.max(0, toEnd - SLOW_TICKS);
  return Math.min(SLOW, Math.max(quickened, MIDDLE / Math.max(1, last)));
}

/** Where playing has got to: a tick, and the milliseconds that it has been looked at. */
export interface Position {
  readonly tick: number;
  readonly spent: number;
}

/** Play on for some milliseconds; several ticks may pass, never the last one. */
export function playOn({ tick, spent }: Position, milliseconds: number, last: number): Position {
  let at = tick;
  let rest = spent + milliseconds;
  while (at < last && rest >= dwell(at, last)) {
    rest -= dwell(at, last);
    at += 1;
  }
  return { tick: at, spent: at < last ? rest : 0 };
}

/** The tick that is looked at next where nothing may flash past. */
export const nextStation = (tick: number, last: number): number =>
  Math.min(last, tick + Math.max(1, Math.ceil(last / STATIONS)));
