// Which picture a map of doubt lies over, and at which of its places the cursor is.
import type { DoubtMap } from "../../state/maps.ts";
import type { Scene, ViewName } from "../../state/scene.ts";

export const viewOf = ({ grid }: Pick<DoubtMap, "grid">): ViewName =>
  grid === "query" ? "foreground" : "background";

/** The map over a picture, as far as it is known. */
export function doubtOver(view: ViewName, { doubt }: Scene): DoubtMap | null {
  return doubt && viewOf(doubt) === view ? doubt : null;
}

/** The place of a map that the cursor is at, or the query's best match; -1 for none. */
export const placeOf = (scene: Scene, { grid }: DoubtMap): number =>
  grid === "query" ? scene.p : scene.q;
