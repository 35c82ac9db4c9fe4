// The stages that the page asks for by what they are to the layer, whatever their keys.
import type { MatrixKey, StageKey } from "../generated/stages.ts";

/** How alike each query and each patch are. */
export const SIMILARITY = "scores" satisfies MatrixKey;
/** How much of each patch a query takes: never below zero, and what is pasted. */
export const WEIGHTS = "attention" satisfies MatrixKey;
/** Which patches may be pasted. */
export const VALIDITY = "valid" satisfies StageKey;
/** What the layer returns. */
export const RESULT = "output" satisfies StageKey;
