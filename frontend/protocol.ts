// All that crosses between Python and the page. `python -m tools.front_data` writes what a real
// debugger sends and reads to generated/examples.ts and crossing.ts: the compiler holds these types
// to them.
import type { AnyModel } from "@anywidget/types";
import type { AttentionConfig } from "./engine/config.ts";
import type { Look } from "./engine/look.ts";
import type { MapName } from "./generated/maps.ts";
import type { StageKey, StepKey } from "./generated/stages.ts";
import type { MessageToKernel, MessageToPage } from "./messages.ts";
import type { AnswerData, QuestionData } from "./questions.ts";
import type { StoredRecording } from "./recordings.ts";

export type * from "./gradients.ts";
export type * from "./messages.ts";
export type * from "./questions.ts";
export type * from "./recordings.ts";

/** The version of `Meta` that this page can read. */
export const VERSION = 1;

/** Bytes as they arrive: little-endian, in C order, not always aligned. */
export type Bytes = ArrayBuffer | ArrayBufferView;

/** (row, column) */
export type Place = [row: number, column: number];

// ---- arrays: how the bytes of the same name in `buffers` or in an answer are read ----

export interface ArrayDescription<Type extends string, Shape extends number[]> {
  dtype: Type;
  shape: Shape;
}

type Maps = ArrayDescription<"float32", [n: number, c: number, H: number, W: number]>;
type Masks = ArrayDescription<"uint8", [n: number, H: number, W: number]>;
type OfQueries = ArrayDescription<"float32", [n: number, h: number, w: number]>;
type Pictures = ArrayDescription<"uint8", [n: number, H: number, W: number, rgb: number]>;

export interface InputArrays {
  f: Maps;
  b: Maps;
  /** b's hole, 1 where b is missing; absent where nothing is. */
  mask?: Masks;
  /** The hole to draw over f where it is not b's. */
  foreground_mask?: Masks;
  /** f before its hole was filled; absent where that is not known. */
  truth?: Maps;
  picture_f: Pictures;
  picture_b: Pictures;
  /** The maps of doubt that its rows alone give, where Python has gone through them. */
  effective_patches?: OfQueries;
  best_share?: OfQueries;
  margin?: OfQueries;
  times_pasted?: ArrayDescription<"float32", [n: number, gh: number, gw: number]>;
}

export interface ResultArrays {
  output: Maps;
  /** Of each query, log Σ exp of what its softmax sees. */
  lse: OfQueries;
  /** Of each query, the index of its best patch. */
  argmax: ArrayDescription<"int32", [n: number, h: number, w: number]>;
  picture_output: Pictures;
}

export type ArrayName = keyof InputArrays | keyof ResultArrays;

// ---- what a run is ----

/** A stage as Python's registry describes it. */
export interface RegistryEntry {
  key: StageKey;
  title: string;
  step: StepKey;
  /** What each dimension is. */
  axes: string[];
  equation: string;
  source: string;
}

/** A stage in numbers, null where it was not computed or has no finite value. */
export interface Summary {
  shape: number[];
  dtype: string;
  bytes: number;
  min: number | null;
  max: number | null;
  mean: number | null;
  nan: number;
  inf: number;
  /** Rows of attention without a valid patch. */
  masked_rows: number;
  seconds: number | null;
  computed: boolean;
}

export type Summaries = Record<StageKey, Summary>;

/** A fact or a finding: a sentence, and where to look. */
export interface RemarkData {
  key: string;
  sentence: string;
  stage: StageKey;
  /** The first places, at most some hundred. */
  cells: Place[];
  /** How many places there are in all. */
  count: number;
  /** Whether they are queries, cells of f, or patches, by their cells of b. */
  grid: "query" | "patch";
  sample: number;
}

export type DialectName = Exclude<AttentionConfig["dialect"], "custom">;
/** The settings that a dialect decides. */
export type RuleName = "shrink" | "norm" | "masked" | "overlap" | "mask_of_batch";
export type Rules = Pick<AttentionConfig, RuleName>;

export interface Meta {
  version: typeof VERSION;
  title: string;
  /** Lines of Python that define f, b and mask. */
  python: string | null;
  kernel: boolean;
  /** The output follows when it is asked for. */
  pending: boolean;
  registry: RegistryEntry[];
  dialects: Record<DialectName, Rules>;
  /** The values that each rule can take. */
  choices: { [Name in RuleName]: Rules[Name][] };
  n: number;
  device: string;
  dtype: string;
  look: Look;
  arrays: InputArrays & Partial<ResultArrays>;
  config: AttentionConfig;
  /** null for inputs that were made in the page. */
  summaries: Summaries | null;
  notes: string[];
  /** The rules in force for these settings. */
  facts: RemarkData[];
  /** What is remarkable about this run; null where nobody has looked. */
  findings: RemarkData[] | null;
  /** Query cells that somebody wants to walk through. */
  walk: Place[] | null;
}

/** What follows from mask and config, with the bytes of each array beside its description. */
export interface Answer extends Record<keyof ResultArrays, Bytes> {
  /** The request that it answers. */
  request: number;
  arrays: ResultArrays;
  config: AttentionConfig;
  summaries: Summaries;
  notes: string[];
}

/** A stage that a function of the reader's own made. */
export interface RecordedStage {
  key: StageKey;
  /** The function's name. */
  name: string;
  /** As it is called, in place of an equation. */
  call: string;
  shape: number[];
  /** float32; null where rows are asked for one by one. */
  data: Bytes | null;
}

/** What functions swapped in made. */
export interface Recorded {
  /** In the paper's order. */
  stages: RecordedStage[];
  /** The settings, and "mask", on which they depend. */
  settings: string[];
  /** Of all of them, as float32. */
  bytes: number;
  /** The matrices among them are too large to travel. */
  remote: boolean;
}

/** Where nothing is swapped. */
export interface NothingRecorded {
  stages?: undefined;
}

/** Before the first answer. */
export interface NoAnswer {
  config?: undefined;
}

/** b's hole, a byte a pixel. */
export interface Mask {
  shape: [n: number, H: number, W: number];
  data: Bytes;
}

// ---- traits: the state that Python and the page share ----

/** The front end itself: set once. */
export interface CodeTraits {
  _esm: string;
  _module: string;
  _css: string;
}

/** Written by Python alone. */
export interface KernelTraits {
  meta: Meta;
  buffers: { [Name in ArrayName]?: Bytes };
  answer: Answer | NoAnswer;
  recorded: Recorded | NothingRecorded;
  /** The answer to the run without the functions swapped in. */
  plain: Omit<Answer, "request"> | NoAnswer;
  /** What a saved page can step into: each stage, and the whole layer, at one query. */
  recordings: StoredRecording[];
  /** What is asked before it is shown. */
  questions: QuestionData[];
}

/** Of a widget that holds the stepping view alone: it has no `meta`. */
export interface SteppingTraits {
  recording: StoredRecording;
}

/** Written by the page, and by Python. */
export interface SharedTraits {
  /** Counts the page's wishes for an answer. */
  request: number;
  query: Place | null;
  pixel: Place | null;
  stage: StageKey;
  sample: number;
  config: AttentionConfig;
  /** As in `config`, on its own for sliders to link to. */
  softmax_scale: number;
  mask: Mask | null;
  /** The map of doubt that the cells are coloured by. */
  map: MapName | null;
  answers: AnswerData[];
}

export interface Traits extends CodeTraits, KernelTraits, SharedTraits {}

/** What a saved page opens with. */
export type PageState = (KernelTraits & SharedTraits) | SteppingTraits;

// ---- the model ----

type TraitListener = (model: unknown, value: unknown) => void;
type MessageListener = (content: MessageToPage, buffers: DataView[]) => void;
type EventListener = (...news: unknown[]) => void;
/** Those of ipywidgets: any trait changed, the kernel came or went, the model was closed. */
export type HostEvent = "change" | "comm_live_update" | "destroy";
export type TraitEvent = `change:${keyof Traits | keyof SteppingTraits}`;

/** anywidget's model, with the names above and no others. */
export interface Model extends Pick<AnyModel<Traits & SteppingTraits>, "get" | "save_changes"> {
  set<Name extends keyof Traits>(name: Name, value: Traits[Name]): void;
  set(changes: Partial<Traits>, options?: { silent: boolean }): void;
  on(name: TraitEvent, listener: TraitListener): void;
  on(name: "msg:custom", listener: MessageListener): void;
  on(name: HostEvent, listener: EventListener): void;
  off(name: TraitEvent, listener: TraitListener): void;
  off(name: "msg:custom", listener: MessageListener): void;
  off(name: HostEvent, listener: EventListener): void;
  send(message: MessageToKernel, callbacks?: undefined, buffers?: ArrayBuffer[]): void;
}

/** What the front end's module exports. */
export interface FrontEnd {
  render(context: { model: Model; el: HTMLElement }): () => void;
}

// ---- for the generated examples ----

/** A type with every property that it may have, so that an example of it names them all. */
export type Complete<Type> = Type extends Bytes | readonly unknown[]
  ? Type
  : Type extends object
    ? { [Name in keyof Type]-?: Complete<Type[Name]> }
    : Type;
