// What the page knows of a step of the layer; each of the nine has a file that says it.
import type { FunctionComponent } from "preact";
import type { Attention } from "../engine/attention.ts";
import type { MatrixKey, StageKey, StepKey } from "../generated/stages.ts";
import type { Run } from "../state/run.ts";
import type { Scene, ViewName } from "../state/scene.ts";
import type { Colours } from "../views/bitmap.ts";
import type { Role } from "../views/numbers.tsx";

/** A box over a picture, in pixels: its corner's row and column, its height and width. */
export interface Mark {
  readonly box: readonly [y: number, x: number, height: number, width: number];
  /** The role that it has, and how it is drawn: classes of the style sheet. */
  readonly kind: string;
  readonly label?: string;
  /** Where the label's corner is, in CSS pixels down and right of the box's middle. */
  readonly labelAt?: readonly [down: number, right: number];
}

/** An arrow over a picture, from [row, column] to [row, column] in pixels. */
export interface Arrow {
  readonly from: readonly [number, number];
  readonly to: readonly [number, number];
  readonly kind: "query" | "many";
}

/** A picture, a colour for each of rows × cols places. */
export interface Drawing {
  readonly rows: number;
  readonly cols: number;
  readonly colours: Colours;
  /** What it is drawn from: while these stay the same objects, so does the picture. */
  readonly sources: readonly unknown[];
}

/** A layer of a small picture: rows × cols places, each `step` cells wide. */
export interface Layer {
  readonly rows: number;
  readonly cols: number;
  readonly step: number;
  /** What it is drawn from: while these stay the same, it is not drawn again. */
  readonly sources: readonly unknown[];
  /** Asked for only when it is drawn. */
  readonly colours: () => Colours;
}

/** A box over a small picture, in its cells. */
export interface Outline {
  readonly box: Mark["box"];
  readonly role: Role;
}

/** A small picture of rows × cols cells: layers, the last one on top, and what is outlined. */
export interface Miniature {
  readonly rows: number;
  readonly cols: number;
  readonly layers: readonly Layer[];
  readonly outlines: readonly Outline[];
  /** From a cell to another. */
  readonly arrow?: Pick<Arrow, "from" | "to">;
}

/** What a step makes of a scene, small; null where it makes nothing of it. */
export type Miniaturist = (scene: Scene) => Miniature | null;

export interface InspectorProps {
  readonly scene: Scene;
}

export interface Step {
  readonly name: StepKey;
  /** Its name where there is little room. */
  readonly short: string;
  /** One sentence with this cell's numbers: the line above everything. */
  readonly Sentence: FunctionComponent<InspectorProps>;
  /** What it makes of this query and this patch, beside the name of its tile. */
  readonly value: (scene: Scene) => string;
  /** This cell's value at the step, small: what its tile holds. */
  readonly Thumbnail: FunctionComponent;
  /** What stands under its tile: the settings that change it, or the operation. */
  readonly Foot?: FunctionComponent;
  /** Over how many tiles its foot goes. */
  readonly footSpan?: number;
  /** The row of the score matrix that a stage of the step shows, or is made with. */
  readonly rowStage: (stage: StageKey) => MatrixKey | null;
  /** The shape of a stage's tensor, in the order of its axes. */
  readonly shape: (stage: StageKey, run: Run, attention: Attention) => readonly number[];
  /** Why the rows of several cells cannot be added up here; the attention's are shown instead. */
  readonly noRegion?: string;
  /** The numbers of a stage for the query p and the patch q of a scene. */
  readonly values: (stage: StageKey, scene: Scene) => ArrayLike<number>;
  /** A picture in place of f, b or the output; null where those are shown. */
  readonly picture?: (view: ViewName, scene: Scene) => Drawing | null;
  /** Boxes beside those of the cursor, in the order in which they are drawn, below these. */
  readonly marks?: (view: ViewName, scene: Scene) => readonly Mark[];
  readonly arrows?: (view: ViewName, scene: Scene) => readonly Arrow[];
  /** Whether the background's patches that touch the hole are struck out. */
  readonly strikesOut?: boolean;
  /** Whether the output's picture is the flow. */
  readonly showsFlow?: boolean;
  /** What the step does to this cell, with its numbers. */
  readonly Inspector: FunctionComponent<InspectorProps>;
}
