// Written by `python -m tools.front_data` from a real debugger: do not edit.

import type {
  AskGradientMessage,
  AskRowsMessage,
  Complete,
  FindingsMessage,
  FindMessage,
  GradientMessage,
  Meta,
  NoGradientMessage,
  NoRecordingMessage,
  PageMessage,
  RecordingMessage,
  RefusedMessage,
  RemarkData,
  RowsMessage,
  SavePageMessage,
  StepInMessage,
  SteppingTraits,
  StoredRecording,
  Summary,
  UploadMessage,
} from "../protocol.ts";
import { CONFIG } from "./examples.ts";

const BYTES = new DataView(new ArrayBuffer(0));

export const UNCOMPUTED = {
  shape: [1, 3, 4, 4],
  dtype: "uint8",
  bytes: 48,
  min: null,
  max: null,
  mean: null,
  seconds: null,
  nan: 0,
  inf: 0,
  masked_rows: 0,
  computed: false,
} satisfies Complete<Summary>;

export const PENDING_META = {
  python: null,
  pending: true,
  facts: [
    {
      key: "same_map",
      sentence: "",
      stage: "scores",
      cells: [],
      count: 0,
      grid: "query",
      sample: 0,
    },
  ],
  findings: null,
  walk: null,
  arrays: {
    f: { dtype: "float32", shape: [1, 3, 8, 8] },
    b: { dtype: "float32", shape: [1, 3, 8, 8] },
    picture_f: { dtype: "uint8", shape: [1, 8, 8, 3] },
    picture_b: { dtype: "uint8", shape: [1, 8, 8, 3] },
  },
} satisfies Partial<Meta>;

export const STORED_RECORDING = {
  recording: {
    title: "matching_scores at query (1, 2)",
    stage: "scores",
    query: [1, 2],
    sample: 0,
    beside: {
      equation: "s(p, q) = ⟨patch_p, w_q⟩ / max(‖w_q‖, 1e-4)",
      paper: "we measure with normalized inner product (cosine similarity)",
      original: "yi = tf.nn.conv2d(xi, wi_normed, strides=[1,1,1,1], padding='SAME'); eq. 3",
      torch: "(p.flatten(1, -2) @ q.mT).reshape(*p.shape[:-1], q.shape[1])",
    },
    sources: [{ name: "", file: "", first_line: 0, text: "" }],
    values: [
      {
        name: "",
        shape: [1, 1, 16],
        dtype: "float32",
        device: "cpu",
        axes: ["n", "Q", "L"],
        reading: "one number for each background patch",
        picture: "background",
        grid: [4, 4],
        row: 0,
        minimum: 0,
        maximum: 0,
        nan: 0,
        infinite: 0,
        array: 8,
        slice: null,
      },
    ],
    steps: [
      {
        source: 0,
        line: 0,
        end_line: 0,
        column: 0,
        end_column: 0,
        expression: "(p.flatten(1, -2) @ q.mT).reshape(*p.shape[:-1], q.shape[1])",
        operation: "reshape",
        operands: [20, "1", "1", "16"],
        value: 21,
        depth: 0,
        frame: 0,
        iteration: [],
        locals: [
          ["downsampled_f", 0],
          ["matching_patches", 1],
          ["config", "AttentionConfig"],
          ["queries", 2],
          ["p", 10],
          ["q", 18],
        ],
        changed: [],
        gap: null,
      },
    ],
    calls: [{ source: 0, parent: 0, line: 0 }],
    error: null,
    bytes: 0,
    stretch: null,
    target: null,
    sentence: "",
  },
  arrays: [BYTES],
} satisfies Complete<StoredRecording>;

export const STEPPING = {
  recording: {
    recording: {
      title: "(1, 3, 8, 8) float32 on cpu, 0 … 0",
      stage: null,
      query: null,
      sample: 0,
      beside: { equation: "", paper: "", original: "", torch: "" },
      sources: [],
      values: [
        {
          name: "",
          shape: [1, 3, 8, 8],
          dtype: "float32",
          device: "cpu",
          axes: ["1", "?", "?", "?"],
          reading: "",
          picture: "plain",
          grid: null,
          row: null,
          minimum: 0,
          maximum: 0,
          nan: 0,
          infinite: 0,
          array: 0,
          slice: null,
        },
      ],
      steps: [],
      calls: [],
      error: null,
      bytes: 0,
      stretch: null,
      target: null,
      sentence: "",
    },
    arrays: [BYTES],
  },
} satisfies Complete<SteppingTraits>;

export const REMARK = {
  key: "same_map",
  sentence: "",
  stage: "scores",
  cells: [],
  count: 0,
  grid: "query",
  sample: 0,
} satisfies Complete<RemarkData>;

export const SAVE_PAGE = { kind: "save_page" } satisfies Complete<SavePageMessage>;

export const FIND = { kind: "find" } satisfies Complete<FindMessage>;

export const UPLOAD = {
  kind: "upload",
  name: "photo.png",
  config: CONFIG,
  shape: [8, 8, 3],
  size: 8,
} satisfies Complete<UploadMessage>;

export const PAGE = {
  kind: "page",
  name: "contextual-attention.html",
  html: "",
} satisfies Complete<PageMessage>;

export const FINDINGS = {
  kind: "findings",
  facts: [
    {
      key: "same_map",
      sentence: "",
      stage: "scores",
      cells: [],
      count: 0,
      grid: "query",
      sample: 0,
    },
  ],
  findings: [
    {
      key: "lost_share",
      sentence: "",
      stage: "attention",
      cells: [[0, 0]],
      count: 9,
      grid: "query",
      sample: 0,
    },
  ],
} satisfies Complete<FindingsMessage>;

export const REFUSED = {
  kind: "refused",
  request: 0,
  reason: "message content: expected an object, got str.",
} satisfies Complete<RefusedMessage>;

export const ASK_ROWS = {
  kind: "rows",
  number: 1,
  queries: [[1, 2]],
  patch: 3,
} satisfies Complete<AskRowsMessage>;

export const ROWS = {
  kind: "rows",
  number: 1,
  sample: 0,
  patch: 3,
  queries: [[1, 2]],
} satisfies Complete<RowsMessage>;

export const STEP_IN = {
  kind: "step_in",
  number: 1,
  stage: "scores",
  query: [1, 2],
} satisfies Complete<StepInMessage>;

export const RECORDING = {
  kind: "recording",
  number: 1,
  recording: STORED_RECORDING.recording,
} satisfies Complete<RecordingMessage>;

export const NO_RECORDING = {
  kind: "no_recording",
  number: 2,
  reason: "query: expected (row, column), got None.",
} satisfies Complete<NoRecordingMessage>;

export const ASK_GRADIENT = {
  kind: "gradient",
  number: 1,
  pixel: [3, 4],
  query: null,
} satisfies Complete<AskGradientMessage>;

export const GRADIENT = {
  kind: "gradient",
  number: 1,
  of: "output pixel (3, 4), its channels added up",
  value: 0,
  sentence: "",
  shapes: { f: [3, 8, 8], b: [3, 8, 8] },
} satisfies Complete<GradientMessage>;

export const NO_GRADIENT = {
  kind: "no_gradient",
  number: 2,
  reason: "pixel: expected either pixel=(row, column) or query=(row, column), got None and None.",
} satisfies Complete<NoGradientMessage>;
