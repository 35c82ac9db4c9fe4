/** The settings of contextual attention, as ctxattn_viz/config.py explains them. */
export interface AttentionConfig {
  ksize: number;
  stride: number;
  rate: number;
  fuse_k: number;
  softmax_scale: number;
  fuse: boolean;
  dialect: "tensorflow" | "pytorch" | "mmagic" | "custom";
  shrink: "align_corners" | "floor";
  norm: "max" | "per_element" | "none";
  masked: "zero" | "minus_infinity";
  overlap: "constant" | "coverage";
  mask_of_batch: "each" | "first";
}
