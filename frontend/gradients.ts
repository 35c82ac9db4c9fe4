// Gradients, as they are asked for and sent. A part of the protocol, held to Python's as the rest
// of it is.
import type { Place } from "./protocol.ts";

/** Asks how one number y of the run follows f and b: see `GradientMessage`. */
export interface AskGradientMessage {
  kind: "gradient";
  /** Counts these wishes: the answer has the same. */
  number: number;
  /** y is the sum of the channels of this output pixel … */
  pixel: Place | null;
  /** … or of the patch that this query pastes; one of the two is null. */
  query: Place | null;
}

/** ∂y/∂f and ∂y/∂b, whose float32 numbers are the message's two buffers. */
export interface GradientMessage {
  kind: "gradient";
  number: number;
  /** In words, what y is. */
  of: string;
  /** y; null where it is not finite. */
  value: number | null;
  /** Where the gradient flows, and why it does not flow elsewhere. */
  sentence: string;
  shapes: { f: Planes; b: Planes };
}

type Planes = [c: number, H: number, W: number];

/** Why there is no gradient. */
export interface NoGradientMessage {
  kind: "no_gradient";
  number: number;
  reason: string;
}
