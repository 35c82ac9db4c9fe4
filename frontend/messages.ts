// What page and kernel tell each other beside the traits. A part of the protocol, held to Python's
// as the rest of it is.
import type { AttentionConfig } from "./engine/config.ts";
import type { AskGradientMessage, GradientMessage, NoGradientMessage } from "./gradients.ts";
import type { Place, RemarkData } from "./protocol.ts";
import type { NoRecordingMessage, RecordingMessage, StepInMessage } from "./recordings.ts";

/** Asks for `PageMessage`. */
export interface SavePageMessage {
  kind: "save_page";
}

/** A picture to look into, its pixels in the one buffer: RGB or RGBA, a byte each. */
export interface UploadMessage {
  kind: "upload";
  /** The file's name. */
  name: string;
  shape: [H: number, W: number, channels: number];
  /** Its longest side, if it is to be shrunk. */
  size?: number;
  /** The page's settings, where they are ahead of the kernel's. */
  config?: AttentionConfig;
}

/** Asks for `FindingsMessage`, about the run as the kernel knows it. */
export interface FindMessage {
  kind: "find";
}

/** Asks for `RowsMessage`. */
export interface AskRowsMessage {
  kind: "rows";
  number: number;
  queries: Place[];
  patch: number | null;
}

export type MessageToKernel =
  | SavePageMessage
  | UploadMessage
  | FindMessage
  | AskRowsMessage
  | StepInMessage
  | AskGradientMessage;

/** The debugger as one HTML file. */
export interface PageMessage {
  kind: "page";
  name: string;
  html: string;
}

/** What was set or asked was not done; the state is again as it was. */
export interface RefusedMessage {
  kind: "refused";
  request: number;
  reason: string;
}

/** Facts and findings of the run that the kernel has. */
export interface FindingsMessage {
  kind: "findings";
  facts: RemarkData[];
  findings: RemarkData[] | null;
}

/** Beside it, float32: each query's rows of the four matrix stages; the patch's columns. */
export interface RowsMessage {
  kind: "rows";
  number: number;
  sample: number;
  queries: Place[];
  patch: number | null;
}

export type MessageToPage =
  | PageMessage
  | RowsMessage
  | RefusedMessage
  | FindingsMessage
  | RecordingMessage
  | NoRecordingMessage
  | GradientMessage
  | NoGradientMessage;
