// Written by `python -m tools.front_data` from a real debugger: do not edit.

import type { AttentionConfig } from "../engine/config.ts";
import type {
  Answer,
  CodeTraits,
  Complete,
  KernelTraits,
  Meta,
  SharedTraits,
  Summary,
  Traits,
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
  answers: [],
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
  questions: [{ kind: "where", text: null, sample: null, cell: [1, 2] }],
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
  questions: true,
} satisfies Record<keyof KernelTraits, true>;

export const WRITTEN_BY_BOTH = {
  answers: true,
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
  questions: true,
  answers: true,
  request: true,
  query: true,
  pixel: true,
  stage: true,
  sample: true,
  config: true,
  softmax_scale: true,
  mask: true,
} satisfies Record<keyof (KernelTraits & SharedTraits), true>;
