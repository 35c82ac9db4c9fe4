// What the maps of doubt are called, what they say, and which end of them is the worst.
import type { MapName } from "../../generated/maps.ts";
import { digits, percent } from "../format.ts";

interface MapWords {
  readonly label: string;
  /** What its numbers are, and where they are worst. */
  readonly meaning: string;
  readonly worst: string;
  readonly isHighWorse: boolean;
  /** A number with its unit, at its place and at the ends of the colours. */
  readonly say: (value: number) => string;
  readonly short: (value: number) => string;
}

const counted = (value: number, one: string, many: string): string =>
  `${digits(value)} ${value === 1 ? one : many}`;

export const MAP_WORDS: Readonly<Record<MapName, MapWords>> = {
  effective_patches: {
    label: "effective patches",
    meaning: "How many patches share a query’s attention.",
    worst: "Worst is most: what it pastes is an average.",
    isHighWorse: true,
    say: (value) => counted(value, "patch", "patches"),
    short: digits,
  },
  best_share: {
    label: "best share",
    meaning: "How much of a query’s attention its best match gets.",
    worst: "Worst is least: no patch stands out.",
    isHighWorse: false,
    say: percent,
    short: percent,
  },
  margin: {
    label: "margin",
    meaning: "How far the best match is ahead of another place.",
    worst: "Worst is least: the other is as good.",
    isHighWorse: false,
    say: (value) => `ahead by ${percent(value)}`,
    short: percent,
  },
  agreement: {
    label: "agreement",
    meaning: "How many of the four neighbours have the same offset.",
    worst: "Worst is none: the copy is torn.",
    isHighWorse: false,
    say: (value) => `${percent(value)} agree`,
    short: percent,
  },
  offset_length: {
    label: "offset length",
    meaning: "How far from a query its best match lies.",
    worst: "Worst is farthest.",
    isHighWorse: true,
    say: (value) => counted(value, "cell", "cells"),
    short: digits,
  },
  error: {
    label: "error",
    meaning: "How far the output is from the truth, on average over a cell.",
    worst: "Worst is farthest.",
    isHighWorse: true,
    say: (value) => `off by ${digits(value)}`,
    short: digits,
  },
  times_pasted: {
    label: "times pasted",
    meaning: "How often a patch is pasted in all.",
    worst: "Worst is most: it is seen again and again.",
    isHighWorse: true,
    say: (value) => `pasted ${counted(value, "time", "times")}`,
    short: digits,
  },
};
