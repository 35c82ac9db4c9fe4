// The settings and the hole in a link: what decides the run, read before it is looked into.
import type { AttentionConfig } from "../engine/config.ts";
import type { RuleName } from "../protocol.ts";
import { type Mask, sameMask } from "./arrays.ts";
import { type Field, numberOf } from "./hash_field.ts";
import type { Inputs, Run } from "./run.ts";
import { maskOfRuns, runsOf } from "./runs.ts";

/** The settings and the hole that a link asks for. */
export interface Wish {
  config: AttentionConfig;
  mask: Mask | null;
}

type RunField = Field<Run, { wish: Wish; inputs: Inputs }>;

type NumberName = "ksize" | "stride" | "rate" | "fuse_k" | "softmax_scale";

const MOST_CELLS = 31; // ksize and fuse_k; what is larger would keep a page busy for minutes
const isOdd = (side: number) => side % 2 === 1 && side > 0 && side <= MOST_CELLS;
const isStep = (step: number) => Number.isInteger(step) && step > 0 && step <= MOST_CELLS;
const divides = (rate: number, { H, W, Hb, Wb }: Inputs) =>
  isStep(rate) && [H, W, Hb, Wb].every((size) => size % rate === 0);

const numeric = (
  name: NumberName,
  isAllowed: (value: number, inputs: Inputs) => boolean,
): RunField => ({
  name,
  write: ({ config, inputs }) =>
    config[name] === inputs.meta.config[name] ? "" : String(config[name]),
  read: (text, { wish, inputs }) => {
    if (text === "") return true;
    const value = numberOf(text);
    if (!isAllowed(value, inputs)) return false;
    wish.config = { ...wish.config, [name]: value };
    return true;
  },
});

/** The rules of the dialect that a run has, or else those that the page came with. */
const rulesBeside = ({ config, inputs }: Run) =>
  config.dialect === "custom" ? inputs.meta.config : inputs.meta.dialects[config.dialect];

const rule = (name: RuleName): RunField => ({
  name,
  write: (run) => (run.config[name] === rulesBeside(run)[name] ? "" : run.config[name]),
  read: (text, { wish, inputs }) => {
    if (text === "") return true;
    const choices: readonly string[] = inputs.meta.choices[name];
    if (!choices.includes(text)) return false;
    wish.config = { ...wish.config, [name]: text };
    return true;
  },
});

const dialect: RunField = {
  name: "dialect",
  write: ({ config, inputs }) =>
    config.dialect === "custom" || config.dialect === inputs.meta.config.dialect
      ? ""
      : config.dialect,
  read: (text, { wish, inputs }) => {
    if (text === "") return true;
    const entry = Object.entries(inputs.meta.dialects).find(([name]) => name === text);
    if (!entry) return false;
    wish.config = { ...wish.config, ...entry[1] };
    return true;
  },
};

const fuse: RunField = {
  name: "fuse",
  write: ({ config, inputs }) =>
    config.fuse === inputs.meta.config.fuse ? "" : onOrOff(config.fuse),
  read: (text, { wish }) => {
    if (text === "") return true;
    if (text !== "on" && text !== "off") return false;
    wish.config = { ...wish.config, fuse: text === "on" };
    return true;
  },
};

const onOrOff = (isOn: boolean): string => (isOn ? "on" : "off");

const mask: RunField = {
  name: "mask",
  write: ({ mask: hole, inputs }) => {
    if (sameMask(hole, inputs.mask)) return "";
    return hole ? runsOf(hole) : "none";
  },
  read: (text, { wish, inputs }) => {
    if (text === "") return true;
    const hole = text === "none" ? null : maskOfRuns(text, inputs);
    if (text !== "none" && !hole) return false;
    wish.mask = hole;
    return true;
  },
};

export const RUN_FIELDS: readonly RunField[] = [
  numeric("ksize", isOdd),
  numeric("stride", isStep),
  numeric("rate", divides),
  numeric("fuse_k", isOdd),
  numeric("softmax_scale", Number.isFinite),
  fuse,
  dialect,
  rule("shrink"),
  rule("norm"),
  rule("masked"),
  rule("overlap"),
  rule("mask_of_batch"),
  mask,
];
