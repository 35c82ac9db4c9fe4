// What a value looks like: on two maps, and on the wheel of directions.
import { CIVIDIS, PURPLE_ORANGE } from "../generated/colours.ts";
import { extremes, type Numbers } from "./numbers.ts";

/** Red, green, blue and, where it is not opaque, alpha: 0 to 255. */
export type Colour = readonly number[];

/** The values at the two ends of a map: the diverging one where they have a sign. */
export interface ColourRange {
  readonly low: number;
  readonly high: number;
  readonly signed: boolean;
  /** The lowest level is painted as all others are: the picture below shows nowhere. */
  readonly covers?: boolean;
  /** Even steps along the map are even steps of log(1 + value). */
  readonly isLogarithmic?: boolean;
}

const LEVELS = 256;
const PLAIN_MAP = coloursOf(CIVIDIS);
const SIGNED_MAP = coloursOf(PURPLE_ORANGE);
const NOT_A_NUMBER: Colour = [230, 0, 120, 255];
/** The lowest level of the plain map: the picture under it shows. */
const OPEN: Colour = [...PLAIN_MAP[0].slice(0, 3), 0];

function coloursOf(hex: readonly string[]): Colour[] {
  const digits = hex.join("");
  const colours: Colour[] = [];
  for (let level = 0; level < LEVELS; level++) {
    const rgb = [0, 2, 4].map((place) => {
      const start = 6 * level + place;
      return Number.parseInt(digits.slice(start, start + 2), 16);
    });
    colours.push([...rgb, 255]);
  }
  return colours;
}

/** How far along the map a value lies, from 0 at the low end to 1. */
export function shareAlong(value: number, { low, high, isLogarithmic }: ColourRange): number {
  const share = isLogarithmic
    ? Math.log((1 + value) / (1 + low)) / Math.log((1 + high) / (1 + low))
    : (value - low) / (high - low || 1);
  return Math.min(1, Math.max(0, share || 0));
}

/** The colour of a value. */
export function paint(value: number, range: ColourRange): Colour {
  const { signed, covers } = range;
  if (Number.isNaN(value)) {
    return NOT_A_NUMBER;
  }
  const share = shareAlong(value, range);
  const level = Math.round((LEVELS - 1) * share);
  if (signed) {
    return SIGNED_MAP[level];
  }
  return level === 0 && !covers ? OPEN : PLAIN_MAP[level];
}

/** From zero to the most, or as far either way where values have a sign. */
export function rangeOf(values: Numbers, signed: boolean): ColourRange {
  const [low, high] = extremes(values);
  const most = Math.max(signed ? -low : 0, high, 0) || 1;
  const top = Math.min(most, Number.MAX_VALUE); // of nothing at all it is infinite
  return { low: signed ? -most : 0, high: top, signed };
}

/** Colours of a map at even distances, from its low to its high end. */
export function rampOf(signed: boolean): string[] {
  const map = signed ? SIGNED_MAP : PLAIN_MAP;
  const stops: string[] = [];
  for (let level = 0; level < LEVELS; level += 15) {
    stops.push(`rgb(${map[level].slice(0, 3).join(" ")})`);
  }
  return stops;
}

/** A map from its low to its high end, as a CSS gradient to the right. */
export const gradient = (signed: boolean): string =>
  `linear-gradient(to right, ${rampOf(signed).join(", ")})`;

/** How many hues lie from red to yellow, green, cyan, blue, magenta and red: Middlebury's. */
const STEPS = [15, 6, 4, 11, 13, 6];
const WHEEL = STEPS.flatMap((steps, arc) => arcOf(steps, arc));

/** The hues of one arc of the wheel: one channel is full, one changes, one is empty. */
function arcOf(steps: number, arc: number): number[][] {
  const full = ((arc + 1) >> 1) % 3;
  const changing = (7 - arc) % 3;
  const falls = arc % 2 === 1;
  const hues: number[][] = [];
  for (let step = 0; step < steps; step++) {
    const ramp = Math.floor((255 * step) / steps);
    const rgb = [0, 0, 0];
    rgb[full] = 1;
    rgb[changing] = (falls ? 255 - ramp : ramp) / 255;
    hues.push(rgb);
  }
  return hues;
}

/** The colour of an offset: hue is direction, saturation is length, up to the longest. */
export function wheelColour(down: number, right: number, longest: number): Colour {
  const u = down / (longest + Number.EPSILON);
  const v = right / (longest + Number.EPSILON);
  const radius = Math.sqrt(u * u + v * v);
  const hue = ((Math.atan2(-v, -u) / Math.PI + 1) / 2) * (WHEEL.length - 1) + 1;
  const nearest = Math.floor(hue);
  const blend = hue - nearest;
  const before = WHEEL[nearest - 1];
  const after = WHEEL[nearest % WHEEL.length];
  return before.map((value, channel) => {
    const pure = (1 - blend) * value + blend * after[channel];
    const shade = radius <= 1 ? 1 - radius * (1 - pure) : pure * 0.75;
    return Math.floor(255 * shade);
  });
}
