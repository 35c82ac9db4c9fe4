// What each step looks like in motion, by the names that Python's registry gives the steps.
import type { StepKey } from "../../generated/stages.ts";
import { pasteFilm } from "./deconvolution.tsx";
import type { Filming } from "./film.ts";
import { fusionFilm } from "./fusion.tsx";
import { matchingFilm } from "./matching.tsx";
import { offsetFilm } from "./offset.tsx";
import { patchFilm } from "./patches.tsx";
import { shrinkFilm } from "./shrink.tsx";
import { softmaxFilm } from "./softmax.tsx";
import { validityFilm } from "./validity.tsx";

/** A step that has no mechanism does not compile. */
export const FILMS: Readonly<Record<StepKey, Filming>> = {
  Shrink: shrinkFilm,
  Patches: patchFilm,
  Validity: validityFilm,
  Matching: matchingFilm,
  "Fuse ↔": fusionFilm("fused_rows"),
  "Fuse ↕": fusionFilm("fused_scores"),
  Softmax: softmaxFilm,
  Deconvolution: pasteFilm,
  Flow: offsetFilm,
};
