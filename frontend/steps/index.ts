// The nine steps, in the paper's order, by the names that Python's registry gives them.
import type { StageKey, StepKey } from "../generated/stages.ts";
import { stepNameOf } from "../state/stages.ts";
import { deconvolution } from "./deconvolution.tsx";
import { flow } from "./flow.tsx";
import { fuseColumns } from "./fuse_columns.tsx";
import { fuseRows } from "./fuse_rows.tsx";
import { matching } from "./matching.tsx";
import { patches } from "./patches.tsx";
import { shrink } from "./shrink.tsx";
import { softmax } from "./softmax.tsx";
import type { Step } from "./step.ts";
import { validity } from "./validity.tsx";

/** A step that Python names and that has no file here does not compile. */
export const STEPS: Readonly<Record<StepKey, Step>> = {
  Shrink: shrink,
  Patches: patches,
  Validity: validity,
  Matching: matching,
  "Fuse ↔": fuseRows,
  "Fuse ↕": fuseColumns,
  Softmax: softmax,
  Deconvolution: deconvolution,
  Flow: flow,
};

export const stepOf = (stage: StageKey): Step => STEPS[stepNameOf(stage)];
