// Matching: how alike the query's patch is to a patch of b, as an inner product.
import { paint, rangeOf } from "../engine/colour.ts";
import type { AttentionConfig } from "../engine/config.ts";
import { useGo } from "../views/context.ts";
import { At, Link, Num, Sum } from "../views/numbers.tsx";
import { MatchTile, QueryTile, Tile } from "../views/tiles.tsx";
import { patchMarks } from "./boxes.ts";
import type { InspectorProps, Step } from "./step.ts";

const NORMS: Readonly<Record<AttentionConfig["norm"], string>> = {
  max: "max(‖w‖, 0.0001)",
  per_element: "√Σ(w² + 0.0001)",
  none: "none: 1",
};

function Inspector({ scene }: InspectorProps) {
  const { attention, p, q, query, patch } = scene;
  const { ksize, norm: rule } = attention.config;
  const go = useGo();
  const place = attention.place(p);
  const match = attention.cellOf(q);
  const terms = attention.scoreTerms(p, q);
  return (
    <>
      <p class="ctx-line">
        s(
        <At place={place} role="query" />, <At place={match} role="match" />) = (
        <Sum terms={terms.products}>
          {(_, i) => (
            <>
              <Num value={terms.query[i]} /> · <Num value={terms.key[i]} />
            </>
          )}
        </Sum>
        ) / <Num value={terms.norm} /> ={" "}
        <b>
          <Num value={terms.score} />
        </b>
      </p>
      <div class="ctx-figures">
        <figure>
          <QueryTile scene={scene} />
          <figcaption>
            query <At place={place} role="query" />
          </figcaption>
        </figure>
        <span class="ctx-sign">·</span>
        <figure>
          <MatchTile scene={scene} />
          <figcaption>
            key <At place={match} role="match" />
          </figcaption>
        </figure>
        <span class="ctx-sign">=</span>
        <figure>
          <ProductTile products={terms.products} ksize={ksize} />
          <figcaption>products, summed over channels</figcaption>
        </figure>
        <span class="ctx-sign">÷</span>
        <figure>
          <b class="ctx-big">
            <Num value={terms.norm} />
          </b>
          <figcaption>
            norm of the key:
            <br />
            {NORMS[rule]}
          </figcaption>
        </figure>
      </div>
      <p>
        <Cosine score={terms.score} queryNorm={terms.queryNorm} isDivided={rule !== "none"} /> Made
        from <Link onClick={() => go("matching_patches", query, patch)}>the two patches</Link>.
      </p>
    </>
  );
}

interface CosineProps {
  score: number;
  queryNorm: number;
  /** By the key's norm. */
  isDivided: boolean;
}

/** What the score would be with the query's norm, too. */
function Cosine({ score, queryNorm, isDivided }: CosineProps) {
  if (!isDivided) return "No cosine: under this rule neither patch is divided by its norm.";
  if (queryNorm === 0) {
    return "The query’s patch is all zeros: its score with every patch is 0, and no cosine exists.";
  }
  return (
    <>
      Not quite a cosine: only the key is divided by its norm. With the query’s norm{" "}
      <Num value={queryNorm} /> too it would be <Num value={score / queryNorm} />; without, strong
      patches attend more sharply than dim ones.
    </>
  );
}

/** The products, added up over channels, where they lie in the patch. */
function ProductTile({ products, ksize }: { products: ArrayLike<number>; ksize: number }) {
  const area = ksize * ksize;
  const sums = new Float64Array(area);
  for (let i = 0; i < products.length; i++) sums[i % area] += products[i];
  const range = rangeOf(sums, true);
  return <Tile rows={ksize} colours={(i) => paint(sums[i], range)} />;
}

export const matching: Step = {
  name: "Matching",
  rowStage: () => "scores",
  shape: (_stage, run, { h, w, L }) => [run.inputs.n, h, w, L],
  values: (_stage, { attention, p }) => attention.row("scores", p),
  marks: patchMarks,
  Inspector,
};
