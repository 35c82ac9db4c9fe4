// Recordings, as Python sends them: what each expression of some code made. A part of the protocol,
// held to Python's as the rest of it is.
import type { StageKey } from "./generated/stages.ts";
import type { Bytes, Place } from "./protocol.ts";

export interface RecordingData {
  title: string;
  /** The stage that was stepped through, or "forward"; null for any other code. */
  stage: string | null;
  query: Place | null;
  /** Which of the batch. */
  sample: number;
  sources: SourceData[];
  /** Every distinct tensor. */
  values: ValueData[];
  /** In the order in which they ran. */
  steps: StepData[];
  /** The functions that were entered, by the number of their frame. */
  calls: CallData[];
  /** The last line of the exception that ended it. */
  error: string | null;
  beside: BesideData;
  /** What its arrays take. */
  bytes: number;
  /** Of an exercise's answer: where it goes wrong; null where it is right, or nothing tells. */
  stretch: StretchData | null;
  /** The value that the answer should have. */
  target: number | null;
  /** What to say about both. */
  sentence: string;
}

/** A stretch of somebody's code. */
export interface StretchData {
  /** The first step and the last. */
  steps: readonly [number, number];
  /** Source, line, from which column to which. */
  pieces: readonly (readonly [number, number, number, number])[];
}

/** A piece of code that was stepped through. */
export interface SourceData {
  name: string;
  file: string;
  /** The number in the file of its first line. */
  first_line: number;
  text: string;
}

/** One call of a function. */
export interface CallData {
  source: number;
  /** The frame that called it, and the line there; null for the first. */
  parent: number | null;
  line: number | null;
}

/** What stands side by side; "" where there is none. */
export interface BesideData {
  equation: string;
  paper: string;
  original: string;
  torch: string;
}

export type PictureKind = "background" | "foreground" | "patch" | "patches" | "picture" | "plain";

export interface ValueData {
  name: string | null;
  shape: number[];
  dtype: string;
  device: string;
  /** A name for each axis; "?" where it is not known. */
  axes: string[];
  /** What it is, in half a sentence. */
  reading: string;
  picture: PictureKind;
  /** Rows and columns: of the map over the background or foreground, or of a patch. */
  grid: Place | null;
  /** Where several queries were computed, the index on their axis of the one that is kept. */
  row: number | null;
  /** Of the finite ones. */
  minimum: number | null;
  maximum: number | null;
  nan: number;
  infinite: number;
  /** Which array holds its numbers, as float32; null where only what stands here is known. */
  array: number | null;
  /** Where only a part was kept: where it starts and how long it is, on each axis. */
  slice: SliceData | null;
}

export interface SliceData {
  axis_start: number[];
  shape: number[];
}

/** One sub-expression that ran. */
export interface StepData {
  source: number;
  /** Of its text in the file: lines from 1, columns from 0, the end just after it. */
  line: number;
  end_line: number;
  column: number;
  end_column: number;
  expression: string;
  operation: string;
  /** The number of a value, or the text of anything else. */
  operands: (number | string)[];
  /** The value that it made. */
  value: number | null;
  /** How many calls deep; 0 is the function itself. */
  depth: number;
  /** Which call it ran in. */
  frame: number;
  /** Of each loop around it, from the outside, which turn. */
  iteration: number[];
  /** Before it ran: names, each with the number of a value or a short text. */
  locals: [name: string, value: number | string][];
  /** The names of those that are not as they were at the step before in this call. */
  changed: string[];
  /** What could not be seen here. */
  gap: string | null;
}

/** A recording, with the bytes of its arrays. */
export interface StoredRecording {
  recording: RecordingData;
  arrays: Bytes[];
}

/** Asks for a recording of a stage, or of the whole layer, at one query: see `RecordingMessage`. */
export interface StepInMessage {
  kind: "step_in";
  /** Counts these wishes: the answer has the same. */
  number: number;
  stage: StageKey | "forward";
  query: Place;
}

/** What was asked for by `StepInMessage`; its arrays are the message's buffers. */
export interface RecordingMessage {
  kind: "recording";
  number: number;
  recording: RecordingData;
}

/** Why there is no recording. */
export interface NoRecordingMessage {
  kind: "no_recording";
  number: number;
  reason: string;
}
