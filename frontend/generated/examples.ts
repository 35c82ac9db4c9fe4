// Written by `python -m tools.front_data` from a real debugger: do not edit.

import type { AttentionConfig } from "../engine/config.ts";
import type {
  Answer,
  CodeTraits,
  Complete,
  FindingsMessage,
  FindMessage,
  KernelTraits,
  Meta,
  NoRecordingMessage,
  PageMessage,
  RecordingMessage,
  RefusedMessage,
  RemarkData,
  SavePageMessage,
  SharedTraits,
  StepInMessage,
  SteppingTraits,
  StoredRecording,
  Summary,
  Traits,
  UploadMessage,
} from "../protocol.ts";

const BYTES = new DataView(new ArrayBuffer(0));

export const CONFIG = {
  ksize: 3,
  stride: 1,
  rate: 2,
  fuse_k: 3,
  softmax_scale: 0,
  fuse: true,
  dialect: "tensorflow",
  shrink: "align_corners",
  norm: "max",
  masked: "zero",
  overlap: "constant",
  mask_of_batch: "each",
} satisfies Complete<AttentionConfig>;

export const SUMMARY = {
  shape: [1, 3, 4, 4],
  dtype: "uint8",
  bytes: 48,
  min: 0,
  max: 0,
  mean: 0,
  nan: 0,
  inf: 0,
  masked_rows: 0,
  seconds: 0,
  computed: true,
} satisfies Complete<Summary>;

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

export const META = {
  version: 1,
  title: "Contextual attention",
  python: "f = b = …",
  kernel: true,
  pending: false,
  registry: [
    {
      key: "downsampled_f",
      title: "foreground, shrunk",
      step: "Shrink",
      axes: ["sample", "channel", "row", "column"],
      equation: "f↓(y, x) = f(nearest(y·rate), nearest(x·rate))",
      source: "f = resize(f, scale=1./rate, func=tf.image.resize_nearest_neighbor)",
    },
  ],
  dialects: {
    tensorflow: {
      shrink: "align_corners",
      norm: "max",
      masked: "zero",
      overlap: "constant",
      mask_of_batch: "each",
    },
    pytorch: {
      shrink: "floor",
      norm: "per_element",
      masked: "zero",
      overlap: "constant",
      mask_of_batch: "first",
    },
    mmagic: {
      shrink: "floor",
      norm: "max",
      masked: "minus_infinity",
      overlap: "coverage",
      mask_of_batch: "each",
    },
  },
  choices: {
    shrink: ["align_corners", "floor"],
    norm: ["max", "per_element", "none"],
    masked: ["zero", "minus_infinity"],
    overlap: ["constant", "coverage"],
    mask_of_batch: ["each", "first"],
  },
  n: 1,
  device: "cpu",
  dtype: "float32",
  look: {
    mean: [0, 0, 0],
    basis: [
      [0, 0, 0],
      [0, 0, 0],
      [0, 0, 0],
    ],
    low: [0, 0, 0],
    high: [0, 0, 0],
  },
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
  walk: [[1, 2]],
  arrays: {
    output: { dtype: "float32", shape: [1, 3, 8, 8] },
    lse: { dtype: "float32", shape: [1, 4, 4] },
    argmax: { dtype: "int32", shape: [1, 4, 4] },
    picture_output: { dtype: "uint8", shape: [1, 8, 8, 3] },
    f: { dtype: "float32", shape: [1, 3, 8, 8] },
    b: { dtype: "float32", shape: [1, 3, 8, 8] },
    mask: { dtype: "uint8", shape: [1, 8, 8] },
    foreground_mask: { dtype: "uint8", shape: [1, 8, 8] },
    truth: { dtype: "float32", shape: [1, 3, 8, 8] },
    picture_f: { dtype: "uint8", shape: [1, 8, 8, 3] },
    picture_b: { dtype: "uint8", shape: [1, 8, 8, 3] },
  },
  config: CONFIG,
  summaries: {
    downsampled_f: SUMMARY,
    downsampled_b: SUMMARY,
    downsampled_mask: SUMMARY,
    matching_patches: SUMMARY,
    paste_patches: SUMMARY,
    valid: SUMMARY,
    scores: SUMMARY,
    fused_rows: SUMMARY,
    fused_scores: SUMMARY,
    attention: SUMMARY,
    output: SUMMARY,
    offsets: SUMMARY,
    flow: SUMMARY,
  },
  notes: [],
} satisfies Complete<Meta>;

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

export const ANSWER = {
  request: 0,
  output: BYTES,
  lse: BYTES,
  argmax: BYTES,
  picture_output: BYTES,
  config: CONFIG,
  summaries: {
    downsampled_f: SUMMARY,
    downsampled_b: SUMMARY,
    downsampled_mask: SUMMARY,
    matching_patches: SUMMARY,
    paste_patches: SUMMARY,
    valid: SUMMARY,
    scores: SUMMARY,
    fused_rows: SUMMARY,
    fused_scores: SUMMARY,
    attention: SUMMARY,
    output: SUMMARY,
    offsets: SUMMARY,
    flow: SUMMARY,
  },
  notes: [],
  arrays: {
    output: { dtype: "float32", shape: [1, 3, 8, 8] },
    lse: { dtype: "float32", shape: [1, 4, 4] },
    argmax: { dtype: "int32", shape: [1, 4, 4] },
    picture_output: { dtype: "uint8", shape: [1, 8, 8, 3] },
  },
} satisfies Complete<Answer>;

export const TRAITS = {
  _css: "",
  _esm: "",
  _module: "",
  answer: ANSWER,
  buffers: {
    f: BYTES,
    b: BYTES,
    mask: BYTES,
    foreground_mask: BYTES,
    truth: BYTES,
    picture_f: BYTES,
    picture_b: BYTES,
    output: BYTES,
    lse: BYTES,
    argmax: BYTES,
    picture_output: BYTES,
  },
  config: CONFIG,
  mask: { shape: [1, 8, 8], data: BYTES },
  meta: META,
  pixel: [3, 4],
  query: [1, 2],
  recordings: [],
  request: 0,
  sample: 0,
  softmax_scale: 0,
  stage: "attention",
} satisfies Complete<Traits>;

export const CODE = {
  _css: true,
  _esm: true,
  _module: true,
} satisfies Record<keyof CodeTraits, true>;

export const WRITTEN_BY_KERNEL = {
  meta: true,
  buffers: true,
  answer: true,
  recordings: true,
} satisfies Record<keyof KernelTraits, true>;

export const WRITTEN_BY_BOTH = {
  config: true,
  mask: true,
  pixel: true,
  query: true,
  request: true,
  sample: true,
  softmax_scale: true,
  stage: true,
} satisfies Record<keyof SharedTraits, true>;

export const PAGE_STATE = {
  meta: true,
  buffers: true,
  answer: true,
  recordings: true,
  request: true,
  query: true,
  pixel: true,
  stage: true,
  sample: true,
  config: true,
  softmax_scale: true,
  mask: true,
} satisfies Record<keyof (KernelTraits & SharedTraits), true>;

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
    error: null,
    bytes: 0,
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
      error: null,
      bytes: 0,
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
  reason: "message kind: expected one of 'save_page', 'step_in', 'find', 'upload', got 'nonsense'.",
} satisfies Complete<RefusedMessage>;

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
