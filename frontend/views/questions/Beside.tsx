// Beside the words: what the cell looks like; after the answer also the guessed and the best patch,
// or the numbers of all cells.
import type { ComponentChildren } from "preact";
import type { WhereGap } from "../../state/gap.ts";
import type { Scene } from "../../state/scene.ts";
import { useTools } from "../context.ts";
import { percent } from "../format.ts";
import { MatchTile, QueryTile } from "../tiles.tsx";
import { Changes } from "./inputs.tsx";

const SIDE = 96; // CSS pixels

export function Beside() {
  const { session, hands } = useTools();
  const { questions } = session;
  const at = questions.cell.value;
  const gap = hands.asker.gap.value;
  const isOpen = questions.isOpen.value;
  if (gap?.kind === "sharper" && !isOpen) return <Changes gap={gap} />;
  if (!at) return null;
  const { attention } = session;
  const scene = { ...session.scene.value, p: at[0] * attention.w + at[1] };
  return (
    <div class="ctx-ask-beside">
      <Figure name="what it looks like">
        <QueryTile scene={scene} side={SIDE} />
      </Figure>
      {gap?.kind === "where" && !isOpen && <Patches scene={scene} gap={gap} />}
    </div>
  );
}

function Patches({ scene, gap }: { scene: Scene; gap: WhereGap }) {
  const { guessPatch, bestPatch, share, bestShare, rank, isGuessed } = gap;
  const isHit = guessPatch === bestPatch;
  return (
    <>
      {isGuessed && !isHit && (
        <Figure name={rank === null ? "yours, in the hole" : `yours: ${percent(share)}`}>
          <MatchTile scene={scene} q={guessPatch} side={SIDE} />
        </Figure>
      )}
      <Figure name={`${isGuessed && isHit ? "yours" : "the best"}: ${percent(bestShare)}`}>
        <MatchTile scene={scene} q={bestPatch} side={SIDE} />
      </Figure>
    </>
  );
}

const Figure = ({ name, children }: { name: string; children: ComponentChildren }) => (
  <figure>
    {children}
    <figcaption>{name}</figcaption>
  </figure>
);
