// A recording as it arrived: what each expression of some code made, with the numbers themselves.
import { type Token, tokensOf } from "../engine/python_tokens.ts";
import { sizeOf, Tensor } from "../engine/tensor.ts";
import type {
  BesideData,
  Bytes,
  CallData,
  RecordingData,
  SourceData,
  StepData,
  StoredRecording,
  StretchData,
  ValueData,
} from "../protocol.ts";
import { arrayOf } from "./arrays.ts";
import type { Place } from "./cursor.ts";

export class Source {
  readonly name: string;
  readonly file: string;
  readonly firstLine: number;
  readonly text: string;
  private coloured: Token[][] | null = null;

  constructor({ name, file, first_line, text }: SourceData) {
    this.name = name;
    this.file = file;
    this.firstLine = first_line;
    this.text = text.replace(/\n$/, "");
  }

  /** Of each line; they are made when first asked for. */
  get lines(): readonly (readonly Token[])[] {
    this.coloured ??= tokensOf(this.text);
    return this.coloured;
  }

  /** The lines of its docstring after the first one, as numbers in `lines`; null without them. */
  get docstring(): { readonly from: number; readonly to: number } | null {
    const isString = (i: number): boolean => {
      const tokens = this.lines[i].filter(({ text }) => text.trim());
      return tokens.length === 1 && tokens[0].kind === "string";
    };
    const from = this.lines.findIndex((tokens, i) => isString(i) && OPENING.test(lineText(tokens)));
    if (from < 0) return null;
    let to = from + 1;
    while (to < this.lines.length && !CLOSING.test(lineText(this.lines[to]))) to += 1;
    to += 1;
    return { from: from + 1, to };
  }

  /** Its own name, without those that it lies in. */
  get shortName(): string {
    return this.name.split(".").at(-1) ?? this.name;
  }
}

/** A line that begins a string over several lines, and one that ends it. */
const OPENING = /^\s*[rRuU]?("""|''')(?!.*\1)/;
const CLOSING = /("""|''')\s*$/;

const lineText = (tokens: readonly Token[]): string => tokens.map(({ text }) => text).join("");

/** A tensor with what is known of it. */
export class Value {
  readonly number: number;
  readonly about: ValueData;
  private readonly bytes: Bytes | undefined;
  private decoded: Tensor | null = null;

  constructor(number: number, about: ValueData, arrays: readonly Bytes[]) {
    this.number = number;
    this.about = about;
    this.bytes = about.array === null ? undefined : arrays[about.array];
  }

  /** Its numbers; they are read when first asked for. */
  get tensor(): Tensor {
    this.decoded ??= this.decode();
    return this.decoded;
  }

  private decode(): Tensor {
    const { shape, slice, array } = this.about;
    if (array === null) return new Tensor(shape, null);
    const kept = slice?.shape ?? shape;
    const description = { dtype: "float32" as const, shape: [sizeOf(kept)] };
    const data = arrayOf(`value ${this.number}`, this.bytes, description);
    return new Tensor(shape, data, slice?.axis_start, kept);
  }
}

export class Recording {
  readonly title: string;
  readonly stage: string | null;
  readonly query: Place | null;
  readonly sample: number;
  readonly error: string | null;
  /** What its arrays take. */
  readonly bytes: number;
  readonly beside: BesideData;
  readonly stretch: StretchData | null;
  readonly target: number | null;
  readonly sentence: string;
  readonly sources: readonly Source[];
  readonly values: readonly Value[];
  readonly steps: readonly StepData[];
  readonly calls: readonly CallData[];
  /** Of each value, the step that made it; an argument has none. */
  readonly makers: ReadonlyMap<number, number>;

  constructor(data: RecordingData, arrays: readonly Bytes[]) {
    this.title = data.title;
    this.stage = data.stage;
    this.query = data.query;
    this.sample = data.sample;
    this.error = data.error;
    this.bytes = data.bytes;
    this.beside = data.beside;
    this.stretch = data.stretch;
    this.target = data.target;
    this.sentence = data.sentence;
    this.sources = data.sources.map((source) => new Source(source));
    this.values = data.values.map((about, number) => new Value(number, about, arrays));
    this.steps = data.steps;
    this.calls = data.calls;
    const makers = new Map<number, number>();
    this.steps.forEach(({ value }, step) => {
      if (value !== null && !makers.has(value)) makers.set(value, step);
    });
    this.makers = makers;
  }

  /** Which columns of a line lie in the stretch. */
  stretchOn(source: number, line: number): readonly (readonly [number, number])[] {
    const pieces = this.stretch?.pieces.filter(([s, l]) => s === source && l === line) ?? [];
    return pieces.map(([, , from, to]) => [from, to]);
  }

  /** The value that a step made; null for a gap. */
  madeAt(step: number): Value | null {
    const number = this.steps[step]?.value ?? null;
    return number === null ? null : this.values[number];
  }
}

export const recordingOf = ({ recording, arrays }: StoredRecording): Recording =>
  new Recording(recording, arrays);
