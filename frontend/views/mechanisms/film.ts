// A mechanism as it is watched: drawn, and told in one sentence, at each tick.
import type { VNode } from "preact";
import type { Course } from "../../engine/mechanisms/pace.ts";
import type { Scene } from "../../state/scene.ts";

export interface Film extends Course {
  readonly draw: (tick: number) => VNode;
  readonly tell: (tick: number) => VNode;
}

/** What a step does to the query and the patch of a scene; null where it needs a query. */
export type Filming = (scene: Scene) => Film | null;
