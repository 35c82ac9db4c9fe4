// Two runs of the same inputs: where they part.
import type { StageKey } from "../generated/stages.ts";
import type { Attention } from "./attention.ts";
import type { Numbers } from "./numbers.ts";

/** The first stage that differs, and by how much at most; null where its shape differs. */
export interface Difference {
  stage: StageKey;
  most: number | null;
}

const ROUNDING = 1e-9;

/**
 * Compared are the shrunk maps, the patches, and the rows of one query.
 *
 * @param pA which query it is in A, and `pB` in B; −1 for none.
 * @param order the stages, from the first to the last.
 */
export function firstDifference(
  A: Attention,
  B: Attention,
  pA: number,
  pB: number,
  order: readonly StageKey[],
): Difference | null {
  for (const stage of order) {
    const a = valuesOf(A, stage, pA);
    const b = valuesOf(B, stage, pB);
    if (!a || !b) {
      continue;
    }
    if (a.length !== b.length) {
      return { stage, most: null };
    }
    const most = largestDifference(a, b);
    if (most > ROUNDING) {
      return { stage, most };
    }
  }
  return null;
}

/** What is compared of a stage; null where that is nothing. */
function valuesOf(attention: Attention, stage: StageKey, p: number): Numbers | null {
  switch (stage) {
    case "downsampled_f":
      return attention.downsampledF;
    case "downsampled_b":
      return attention.downsampledB;
    case "downsampled_mask":
      return attention.downsampledMask;
    case "matching_patches":
      // Of equal maps they are equal, unless they differ in size.
      return new Uint8Array(attention.config.ksize);
    case "valid":
      return attention.valid;
    case "scores":
    case "fused_rows":
    case "fused_scores":
    case "attention":
      return p < 0 ? null : attention.row(stage, p);
    default:
      return null;
  }
}

function largestDifference(a: Numbers, b: Numbers): number {
  let most = 0;
  for (let i = 0; i < a.length; i++) {
    most = Math.max(most, Math.abs(a[i] - b[i]));
  }
  return most;
}
