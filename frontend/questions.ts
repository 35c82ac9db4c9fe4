// Questions, as they are asked, and what was answered. A part of the protocol, held to Python's as
// the rest of it is.
import type { Place } from "./protocol.ts";

interface AnyQuestion {
  /** Wording of the teacher's own. */
  text: string | null;
  /** Where null, that on screen. */
  sample: number | null;
}

/** Where a cell looks; which share its best match gets. */
export interface CellQuestion extends AnyQuestion {
  kind: "where" | "share";
  /** Where null, the one on screen. */
  cell: Place | null;
}

/** Which cell changes most when the softmax is sharper. */
export interface SharperQuestion extends AnyQuestion {
  kind: "sharper";
  cells: Place[];
  /** Where null, a multiple of that on screen. */
  scale: number | null;
}

/** Which output had the fusion. */
export interface FusionQuestion extends AnyQuestion {
  kind: "fusion";
  fused: "A" | "B";
}

export type QuestionData = CellQuestion | SharperQuestion | FusionQuestion;

/** What was answered to a question, and what was so in the run on screen. */
export interface AnswerData {
  /** The index of the question. */
  question: number;
  kind: QuestionData["kind"];
  sample: number;
  /** What was asked about; null where it was several cells or none. */
  cell: Place | null;
  /** A patch's cell, a cell, a share, or an output; null where it was skipped. */
  guess: Place | number | "A" | "B" | null;
  /** null where there is nothing to know: no patch is valid, say. */
  truth: Place | number | "A" | "B" | null;
  /** Of the guess: among the patches that may be pasted, or among the cells. */
  rank: number | null;
  /** Of the guess: what the cell takes from it; the part of its weight that moves. */
  share: number | null;
  skipped: boolean;
}
