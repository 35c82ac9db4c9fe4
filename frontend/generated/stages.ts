// Written by `python -m tools.front_data` from ctxattn_viz.stages.STAGES: do not edit.

/** Every stage, in the paper's order. */
export const STAGE_KEYS = [
  "downsampled_f",
  "downsampled_b",
  "downsampled_mask",
  "matching_patches",
  "paste_patches",
  "valid",
  "scores",
  "fused_rows",
  "fused_scores",
  "attention",
  "output",
  "offsets",
  "flow",
] as const;
export type StageKey = (typeof STAGE_KEYS)[number];

/** The steps of the strip, in order. */
export const STEP_KEYS = [
  "Shrink",
  "Patches",
  "Validity",
  "Matching",
  "Fuse ↔",
  "Fuse ↕",
  "Softmax",
  "Deconvolution",
  "Flow",
] as const;
export type StepKey = (typeof STEP_KEYS)[number];

/** The stages that each step shows. */
export const STAGES_OF_STEP = {
  Shrink: ["downsampled_f", "downsampled_b", "downsampled_mask"],
  Patches: ["matching_patches", "paste_patches"],
  Validity: ["valid"],
  Matching: ["scores"],
  "Fuse ↔": ["fused_rows"],
  "Fuse ↕": ["fused_scores"],
  Softmax: ["attention"],
  Deconvolution: ["output"],
  Flow: ["offsets", "flow"],
} as const satisfies Record<StepKey, StageKey[]>;

/** Of every query with every background patch: a row of each is a heat map. */
export const MATRIX_KEYS = [
  "scores",
  "fused_rows",
  "fused_scores",
  "attention",
] as const satisfies StageKey[];
export type MatrixKey = (typeof MATRIX_KEYS)[number];
