// What is hidden while a question stands: the map and all that follows from it.
import { WEIGHTS } from "../engine/roles.ts";
import type { Scene, View } from "./scene.ts";

/** Before a scene is made: nothing of another run, no links, no sum, and no step's own pictures. */
export const withoutAnswers = (view: View): View => ({
  ...view,
  stage: WEIGHTS,
  pinned: null,
  side: "B",
  links: [],
  regionSum: null,
  gradientMaps: null,
  doubt: null,
});

/** The scene without what would give the answer away; what is pointed at stays. */
export const veiled = (scene: Scene): Scene => ({
  ...scene,
  q: scene.patch ?? -1,
  best: [],
  pasted: null,
  foregroundHeat: null,
  backgroundHeat: null,
});
