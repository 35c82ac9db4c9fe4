// The best matches of the query, or of a pixel, and what they paste.
import type { Match } from "../engine/attention.ts";
import { keptQuery } from "../state/cursor.ts";
import type { Scene } from "../state/scene.ts";
import { useTools } from "./context.ts";
import { digits, total } from "./format.ts";
import { At, Num } from "./numbers.tsx";
import { MatchTile, MixedTile } from "./tiles.tsx";

export function Matches() {
  const { session } = useTools();
  const scene = session.scene.value;
  return (
    <section class="ctx-side" aria-label="Best matches">
      <h3>Best matches, by attention</h3>
      {/* biome-ignore lint/a11y/noRedundantRoles: Safari takes a list without bullets for none */}
      <ol class="ctx-matches" role="list">
        {scene.best.map((match, i) => (
          <MatchRow key={i} scene={scene} match={match} />
        ))}
      </ol>
      <div>{scene.p < 0 ? <p class="ctx-dim">no query yet</p> : <Rest scene={scene} />}</div>
    </section>
  );
}

function MatchRow({ scene, match }: { scene: Scene; match: Match }) {
  const { kernel } = useTools();
  const { index, row, col, score, fused, weight } = match;
  const isChosen = scene.patch === index;
  const top = scene.best[0].weight || 1;
  const share = 100 * Math.max(0, weight / top) || 0;
  const choose = () => {
    if (scene.query) kernel.publish({ cursor: keptQuery(scene.query, isChosen ? null : index) });
  };
  return (
    <li>
      <button
        type="button"
        aria-pressed={isChosen}
        title={`its score ${score}, fused ${fused}, with the query`}
        onClick={choose}
      >
        <MatchTile scene={scene} q={index} side={24} />
        <At place={[row, col]} role="match" />
        <span class="ctx-weight">
          <Num value={weight} />
        </span>
        <span class="ctx-track">
          <span class="ctx-bar" style={`width: ${share}%`} />
        </span>
      </button>
    </li>
  );
}

function Rest({ scene }: { scene: Scene }) {
  const { attention, ledger, best, p } = scene;
  // A pixel's shares add up to how many patches overlap there, over the divisor.
  const whole = ledger ? ledger.terms.length / ledger.divisor : 1;
  const rest = whole - total(best.map(({ weight }) => weight));
  const side = 2 * attention.config.rate;
  return (
    <>
      <p class="ctx-dim">
        all others: {digits(100 * Math.max(0, rest))} %
        {ledger && "; shares of this pixel, over all patches that overlap there"}
      </p>
      <figure class="ctx-gives">
        <MixedTile scene={scene} side={72} />
        <figcaption>
          <b>
            what <At place={attention.place(p)} role="query" /> pastes
          </b>
          <br />
          {side}×{side} pixels: all paste patches, mixed by their weights
        </figcaption>
      </figure>
    </>
  );
}
