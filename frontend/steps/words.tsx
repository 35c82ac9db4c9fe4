// What several sentences say: where the query is, and how a patch's rank changes.
import { equalsOf } from "../engine/ranks.ts";
import type { Place } from "../state/cursor.ts";
import type { Scene } from "../state/scene.ts";
import { thousands, total } from "../views/format.ts";
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

/** Whether all patches that may be pasted have one value, and there is more than one of them. */
export function areLevel(values: ArrayLike<number>, { attention, q }: Scene): boolean {
  const { valid } = attention;
  const others = total(valid) - 1;
  return others > 0 && equalsOf(values, q, valid) === others;
}

interface LevelProps {
  scene: Scene;
  /** What is equal: "raw scores" */
  what: string;
}

/** In place of a rank, where no patch is better than another. */
export function Level({ scene, what }: LevelProps) {
  const count = thousands(total(scene.attention.valid));
  return (
    <>
      The {what} of <QueryWord scene={scene} /> with all {count} patches that may be pasted are
      equal: none comes first.
      <Outside scene={scene} />
    </>
  );
}

/** ", level with 3 others" */
export function levelWith(values: ArrayLike<number>, { attention, q }: Scene): string {
  const count = equalsOf(values, q, attention.valid);
  if (count === 0) return "";
  return `, level with ${thousands(count)} ${count === 1 ? "other" : "others"}`;
}
