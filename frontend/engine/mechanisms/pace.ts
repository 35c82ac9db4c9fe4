// How long each tick is looked at while a mechanism plays: the first ones, the last ones and those
// at a stop long, those between quicker and quicker, so that thousands do not take an hour.

/** How long a mechanism is, and where it is worth a longer look. */
export interface Course {
  readonly last: number;
  readonly stops?: readonly number[];
}

/** Milliseconds of a tick at a stop, and near it. */
export const SLOW = 900;
/** So many ticks at either side of a stop are slow. */
const SLOW_TICKS = 3;
const QUICKENING = 0.8;
/** Milliseconds that all quick ticks together take at least. */
const MIDDLE = 5000;
/** With reduced motion nothing flashes past: a long loop is shown at so many stations. */
const STATIONS = 40;

/** Milliseconds that a tick is looked at. */
export function dwell(tick: number, { last, stops = [] }: Course): number {
  const distances = [0, last, ...stops].map((stop) => Math.abs(tick - stop));
  const quickened = SLOW * QUICKENING ** Math.max(0, Math.min(...distances) - SLOW_TICKS);
  return Math.min(SLOW, Math.max(quickened, MIDDLE / Math.max(1, last)));
}

/** Where playing has got to: a tick, and the milliseconds that it has been looked at. */
export interface Position {
  readonly tick: number;
  readonly spent: number;
}

/** Play on for some milliseconds; several ticks may pass, never the last one. */
export function playOn(position: Position, milliseconds: number, course: Course): Position {
  let at = position.tick;
  let rest = position.spent + milliseconds;
  while (at < course.last && rest >= dwell(at, course)) {
    rest -= dwell(at, course);
    at += 1;
  }
  return { tick: at, spent: at < course.last ? rest : 0 };
}

/** The tick that is looked at next where nothing may flash past. */
export const nextStation = (tick: number, { last }: Course): number =>
  Math.min(last, tick + Math.max(1, Math.ceil(last / STATIONS)));
