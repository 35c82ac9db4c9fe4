// Small recordings, written by hand: a stage of six patches, and loops that end in an exception.
import { sizeOf } from "../engine/tensor.ts";
import type { RecordingData, StepData, StoredRecording, ValueData } from "../protocol.ts";

const NORMS = `\
def patch_norms(patches):
    return patches.square().sum(dim=2).sqrt()
`;
const SCORES = `\
def matching_scores(p, patches):
    """How alike they are.

    Two lines of words.
    """
    norms = patch_norms(patches)
    q = patches / norms[:, :, None]
    return p @ q.mT
`;

export const NOTHING_BESIDE = { equation: "", paper: "", original: "", torch: "" };

/** A value with its numbers. */
export interface Made {
  readonly about: ValueData;
  readonly data: readonly number[];
}

export function made(shape: number[], data: number[], more: Partial<ValueData> = {}): Made {
  const finite = data.filter(Number.isFinite);
  const about: ValueData = {
    name: null,
    shape,
    dtype: "float32",
    device: "cpu",
    axes: shape.map(() => "?"),
    reading: "",
    picture: "plain",
    grid: null,
    row: null,
    minimum: finite.length ? Math.min(...finite) : null,
    maximum: finite.length ? Math.max(...finite) : null,
    nan: data.filter(Number.isNaN).length,
    infinite: data.filter((value) => Math.abs(value) === Number.POSITIVE_INFINITY).length,
    array: null,
    slice: null,
    ...more,
  };
  return { about, data };
}

/** A step of one line, whose expression is looked up in a text. */
export function step(text: string, expression: string, line: number, more: Partial<StepData>) {
  const column = text.split("\n")[line - 1].indexOf(expression);
  if (column < 0) throw new Error(`${expression} does not stand on line ${line}.`);
  return {
    source: 0,
    line,
    end_line: line,
    column,
    end_column: column + expression.length,
    expression,
    operation: "",
    operands: [],
    value: null,
    depth: 0,
    frame: 0,
    iteration: [],
    locals: [],
    changed: [],
    gap: null,
    ...more,
  } satisfies StepData;
}

const NO_VERDICT = { stretch: null, target: null, sentence: "" };
const ONE_CALL = [{ source: 0, parent: null, line: null }];

export function stored(
  data: Omit<RecordingData, "values" | "bytes" | "calls" | keyof typeof NO_VERDICT> &
    Partial<RecordingData>,
  values: readonly Made[],
): StoredRecording {
  const arrays = values.map((value) => Float32Array.from(value.data));
  const about = values.map((value, i) => ({ ...value.about, array: i }));
  const bytes = arrays.reduce((sum, array) => sum + array.byteLength, 0);
  return { recording: { ...NO_VERDICT, calls: ONE_CALL, ...data, values: about, bytes }, arrays };
}

const P = [1, 2, 3, 4];
const PATCHES = Array.from({ length: 24 }, (_, i) => Math.sin(i) + 0.1);
const SQUARES = PATCHES.map((value) => value * value);
const SUMS = sums(SQUARES);
const ROOTS = SUMS.map(Math.sqrt);
const Q = PATCHES.map((value, i) => value / ROOTS[Math.floor(i / 4)]);
export const SCORE = Array.from({ length: 6 }, (_, patch) =>
  P.reduce((sum, value, j) => sum + value * Q[4 * patch + j], 0),
);

function sums(values: readonly number[]): number[] {
  return Array.from({ length: 6 }, (_, i) =>
    values.slice(4 * i, 4 * i + 4).reduce((sum, value) => sum + value, 0),
  );
}

const transposed = (values: readonly number[]): number[] =>
  Array.from({ length: 24 }, (_, i) => values[4 * (i % 6) + Math.floor(i / 6)]);

/** One query against six patches of 2 × 2, which lie in 2 × 3. */
export function scoresRecording(more: Partial<RecordingData> = {}): StoredRecording {
  const patch = { picture: "patch" as const, grid: [2, 2] as [number, number] };
  const patches = { ...patch, picture: "patches" as const };
  const map = { picture: "background" as const, grid: [2, 3] as [number, number] };
  const values = [
    made([1, 1, 4], P, { ...patch, name: "p", axes: ["1", "1", "c·k·k"], reading: "the query" }),
    made([1, 6, 4], PATCHES, { ...patches, name: "patches", axes: ["1", "L", "c·k·k"] }),
    made([1, 6, 4], SQUARES, patches),
    made([1, 6], SUMS, map),
    made([1, 6], ROOTS, { ...map, name: "norms", axes: ["1", "L"] }),
    made([1, 6, 1], ROOTS, map),
    made([1, 6, 4], Q, { ...patches, name: "q" }),
    made([1, 4, 6], transposed(Q), map),
    made([1, 1, 6], SCORE, { ...map, axes: ["1", "1", "L"], reading: "one score a patch" }),
  ];
  const inside = { source: 1, depth: 1, frame: 1, locals: [["patches", 1]] } as const;
  const within = (expression: string, operation: string, operands: (number | string)[]) =>
    step(NORMS, expression, 2, {
      ...inside,
      locals: [...inside.locals].map(([name, value]) => [name, value]),
      operation,
      operands,
    });
  const given: StepData["locals"] = [
    ["p", 0],
    ["patches", 1],
  ];
  const steps: StepData[] = [
    { ...within("patches.square()", "square", [1]), value: 2 },
    { ...within("patches.square().sum(dim=2)", "sum", [2, "dim=2"]), value: 3 },
    { ...within("patches.square().sum(dim=2).sqrt()", "sqrt", [3]), value: 4 },
    step(SCORES, "norms[:, :, None]", 7, {
      operation: "__getitem__",
      operands: [4, ":, :, None"],
      value: 5,
      locals: [...given, ["norms", 4]],
      changed: ["norms"],
    }),
    step(SCORES, "patches / norms[:, :, None]", 7, {
      operation: "div",
      operands: [1, 5],
      value: 6,
      locals: [...given, ["norms", 4]],
    }),
    step(SCORES, "q.mT", 8, {
      operation: "mT",
      operands: [6],
      value: 7,
      locals: [...given, ["norms", 4], ["q", 6]],
      changed: ["q"],
    }),
    step(SCORES, "p @ q.mT", 8, {
      operation: "matmul",
      operands: [0, 7],
      value: 8,
      locals: [...given, ["norms", 4], ["q", 6]],
    }),
  ];
  const moved = steps.map((each) =>
    each.source === 0
      ? { ...each, line: each.line + 9, end_line: each.end_line + 9 }
      : { ...each, line: each.line + 2, end_line: each.end_line + 2 },
  );
  return stored(
    {
      title: "matching_scores at query (2, 2)",
      stage: "scores",
      query: [2, 2],
      sample: 0,
      sources: [
        { name: "matching_scores", file: "scores.py", first_line: 10, text: SCORES },
        { name: "patch_norms", file: "scores.py", first_line: 3, text: NORMS },
      ],
      steps: moved,
      calls: [...ONE_CALL, { source: 1, parent: 0, line: 15 }],
      error: null,
      beside: { ...NOTHING_BESIDE, equation: "s = ⟨f, b⟩ / ‖b‖", paper: "cosine similarity" },
      ...more,
    },
    values,
  );
}

const LOOP = `\
def walk(x):
    for i in range(2):
        for j in range(3):
            x = x * 2
    y = x.log()
    return x @ y
`;

/** Two loops, a value that is not finite, a gap, and a last line that fails. */
export function loopRecording(): StoredRecording {
  const values = [made([2, 3], [1, 2, 3, -4, 5, 0], { name: "x" })];
  const steps: StepData[] = [];
  for (let turn = 0; turn < 6; turn++) {
    const { data } = values[turn];
    values.push(
      made(
        [2, 3],
        data.map((value) => 2 * value),
        { name: "x" },
      ),
    );
    steps.push(
      step(LOOP, "x * 2", 4, {
        operation: "mul",
        operands: [turn, "2"],
        value: turn + 1,
        iteration: [Math.floor(turn / 3), turn % 3],
        locals: [["x", turn]],
        changed: turn ? ["x"] : [],
      }),
    );
  }
  const logs = values[6].data.map(Math.log);
  values.push(made([2, 3], logs, { name: "y" }));
  const locals: StepData["locals"] = [
    ["x", 6],
    ["y", 7],
  ];
  steps.push(
    step(LOOP, "x.log()", 5, { operation: "log", operands: [6], value: 7, locals: [["x", 6]] }),
    step(LOOP, "x", 6, { operation: "item", operands: [6], locals, gap: "a number left PyTorch" }),
    step(LOOP, "x @ y", 6, {
      operation: "matmul",
      operands: [6, 7],
      locals,
      gap: "the run stopped here: RuntimeError: shapes cannot be multiplied",
    }),
  );
  return stored(
    {
      title: "walk(x)",
      stage: null,
      query: null,
      sample: 0,
      sources: [{ name: "walk", file: "walk.py", first_line: 1, text: LOOP }],
      steps,
      error: "RuntimeError: shapes cannot be multiplied (2x3 and 2x3)",
      beside: NOTHING_BESIDE,
    },
    values,
  );
}

/** One value, and no code. */
export function lookRecording(value: Made): StoredRecording {
  return stored(
    {
      title: "x",
      stage: null,
      query: null,
      sample: 0,
      sources: [],
      steps: [],
      error: null,
      beside: NOTHING_BESIDE,
    },
    [value],
  );
}

export const countOf = (shape: readonly number[]): number[] => [...Array(sizeOf(shape)).keys()];
