// What several sentences say: where the query is, and how a patch's rank changes.
import type { Place } from "../state/cursor.ts";
import type { Scene } from "../state/scene.ts";
import { thousands } from "../views/format.ts";
import { CellWord, HoleWord } from "../views/Sentence.tsx";
import { isInHole } from "./hole.ts";

interface QueryWordProps {
  scene: Scene;
  isFirst?: boolean;
}

/** "cell (5, 30) in the hole" */
export function QueryWord({ scene, isFirst }: QueryWordProps) {
  const at: Place = scene.attention.place(scene.p);
  return (
    <>
      <CellWord at={at} isFirst={isFirst} />
      {isInHole(scene) && (
        <>
          {" in the "}
          <HoleWord />
        </>
      )}
    </>
  );
}

/** Says that the query is not one of those that are to be filled. */
export function Outside({ scene }: { scene: Scene }) {
  if (isInHole(scene) !== false) return null;
  return (
    <>
      {" "}
      <span class="ctx-outside">
        ⚠ Outside the <HoleWord />.
      </span>
    </>
  );
}

/** "rises from number 11 to 6" */
export function climb(from: number, to: number): string {
  if (from === to) return `stays number ${thousands(to)}`;
  const verb = to < from ? "rises" : "falls";
  return `${verb} from number ${thousands(from)} to ${thousands(to)}`;
}
