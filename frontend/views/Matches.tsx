// The best matches of the query, or of a pixel, and what they paste.
import type { Match } from "../engine/attention.ts";
import { WEIGHTS } from "../engine/roles.ts";
import { keptQuery } from "../state/cursor.ts";
import type { Scene } from "../state/scene.ts";
import { useTools } from "./context.ts";
import { percent, thousands, total } from "./format.ts";
import { At } from "./numbers.tsx";
import { MatchTile, MixedTile } from "./tiles.tsx";

export function Matches() {
  const { session } = useTools();
  const scene = session.scene.value;
  const { attention, best, p, pixel, regionSum } = scene;
  return (
    <section class="ctx-side" aria-label="Best matches">
      <header>
        <h3>Best matches</h3>
        {p >= 0 && (
          <small>
            for {regionSum && `the region’s ${regionSum.rows} cells, their mean`}
            {!regionSum && pixel && <At place={pixel} role="pixel" />}
            {!regionSum && !pixel && <At place={attention.place(p)} role="query" />}
          </small>
        )}
      </header>
      {/* biome-ignore lint/a11y/noRedundantRoles: Safari takes a list without bullets for none */}
      <ol class="ctx-matches" role="list">
        {best.map((match, i) => (
          <MatchRow key={i} rank={i + 1} scene={scene} match={match} />
        ))}
        {p >= 0 && <Others scene={scene} />}
      </ol>
      <Below scene={scene} />
    </section>
  );
}

/** From 0 to 100 %: a bar relative to the best would make 5 % look like certainty. */
const Bar = ({ share, isRest }: { share: number; isRest?: boolean }) => (
  <span class="ctx-track">
    <span class={isRest ? "ctx-rest" : ""} style={`width: ${100 * clampShare(share)}%`} />
  </span>
);

const clampShare = (share: number): number => Math.min(1, Math.max(0, share || 0));

interface MatchRowProps {
  rank: number;
  scene: Scene;
  match: Match;
}

function MatchRow({ rank, scene, match }: MatchRowProps) {
  const { kernel } = useTools();
  const { index, row, col, score, fused, weight } = match;
  const isChosen = scene.q === index;
  const choose = () => {
    const partner = scene.patch === index ? null : index;
    if (scene.query) kernel.publish({ cursor: keptQuery(scene.query, partner) });
  };
  return (
    <li>
      <button
        type="button"
        data-match={rank}
        aria-pressed={isChosen}
        title={`its score ${score}, fused ${fused}, with the query`}
        onClick={choose}
      >
        <span class="ctx-rank">{rank}</span>
        <MatchTile scene={scene} q={index} side={24} />
        <At place={[row, col]} role="match" />
        <Bar share={weight} />
        <span class="ctx-weight" title={String(weight)}>
          {percent(weight)}
        </span>
      </button>
    </li>
  );
}

function Others({ scene }: { scene: Scene }) {
  const { attention, best } = scene;
  const rest = Math.max(0, wholeOf(scene) - total(best.map(({ weight }) => weight)));
  return (
    <li class="ctx-others">
      <small>{thousands(attention.L - best.length)} others</small>
      <Bar share={rest} isRest />
      <span class="ctx-weight" title={String(rest)}>
        {percent(rest)}
      </span>
    </li>
  );
}

/** All shares together: less than 1 where masked patches have a part of the softmax's sum. */
function wholeOf({ attention, blank, ledger, p, regionSum }: Scene): number {
  if (blank) return 0;
  if (regionSum) return total(regionSum.weights) / (regionSum.rowsDone || 1);
  // Of a pixel: those of its overlapping patches, over the divisor.
  const queries = ledger ? ledger.terms.map((term) => term.p) : [p];
  const sum = total(queries.map((query) => total(attention.row(WEIGHTS, query))));
  return sum / (ledger?.divisor ?? 1);
}

/** What these shares make; its place stays where they make nothing of their own. */
function Below({ scene }: { scene: Scene }) {
  if (scene.p < 0) {
    return <p class="ctx-gives">Point at the foreground: a cell’s best matches stand here.</p>;
  }
  if (scene.regionSum) return <p class="ctx-gives">Each cell pastes a mixture of its own.</p>;
  if (scene.pixel) {
    return <p class="ctx-gives">Shares of this pixel, over all patches that overlap there.</p>;
  }
  return <Pasted scene={scene} />;
}

function Pasted({ scene }: { scene: Scene }) {
  const side = 2 * scene.attention.config.rate;
  return (
    <figure class="ctx-gives">
      <MixedTile scene={scene} side={40} />
      <figcaption>
        <b>what it pastes</b>
        <br />
        {side}×{side} pixels: all paste patches, mixed by these shares
      </figcaption>
    </figure>
  );
}
