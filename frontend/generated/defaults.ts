// Written by `python -m tools.front_data` from ctxattn_viz.AttentionConfig: do not edit.

import type { AttentionConfig } from "../engine/config.ts";

export const DEFAULTS = {
  ksize: 3,
  stride: 1,
  rate: 2,
  fuse_k: 3,
  softmax_scale: 10.0,
  fuse: true,
  dialect: "tensorflow",
  shrink: "align_corners",
  norm: "max",
  masked: "zero",
  overlap: "constant",
  mask_of_batch: "each",
} satisfies AttentionConfig;
