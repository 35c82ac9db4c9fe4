// Matching: how alike the query's patch is to a patch of b, as an inner product.
import { paint, rangeOf } from "../engine/colour.ts";
import type { AttentionConfig } from "../engine/config.ts";
import { rankOf } from "../engine/ranks.ts";
import { useGo, useTools } from "../views/context.ts";
import { digits, thousands, total } from "../views/format.ts";
import { At, Link, Num } from "../views/numbers.tsx";
import { HoleWord, PatchWord } from "../views/Sentence.tsx";
import { Chip, Large, Note, Sign, Term, Terms, Value } from "../views/terms.tsx";
import { Thumbnails } from "../views/thumbnails.tsx";
import { MatchTile, QueryTile, Tile } from "../views/tiles.tsx";
import { patchMarks } from "./boxes.ts";
import { scoreMap } from "./miniatures.ts";
import type { InspectorProps, Step } from "./step.ts";
import { areLevel, Level, levelWith, Outside, QueryWord } from "./words.tsx";

const NORMS: Readonly<Record<AttentionConfig["norm"], string>> = {
  max: "norm of the key: max(‖w‖, 0.0001)",
  per_element: "norm of the key: √Σ(w² + 0.0001)",
  none: "no norm under this rule",
};

const DIVISIONS: Readonly<Record<AttentionConfig["norm"], string>> = {
  max: "÷ ‖key‖",
  per_element: "÷ √Σ(w² + ε)",
  none: "no norm",
};

const PICTURES = [scoreMap("scores")];

function Sentence({ scene }: InspectorProps) {
  const { attention, p, q } = scene;
  const { valid } = attention;
  const scores = attention.row("scores", p);
  const patch = <PatchWord at={attention.cellOf(q)} isFirst={!valid[q]} />;
  if (!valid[q]) {
    return (
      <>
        {patch} scores {digits(scores[q])} for <QueryWord scene={scene} />, but touches the{" "}
        <HoleWord /> and has no rank.
        <Outside scene={scene} />
      </>
    );
  }
  const count = total(valid);
  if (count === 1) {
    return (
      <>
        <PatchWord at={attention.cellOf(q)} isFirst /> scores {digits(scores[q])} for{" "}
        <QueryWord scene={scene} />, and is the only one that may be pasted.
        <Outside scene={scene} />
      </>
    );
  }
  if (areLevel(scores, scene)) return <Level scene={scene} what="raw scores" />;
  return (
    <>
      By raw score, {patch} is number {thousands(rankOf(scores, q, valid))}
      {levelWith(scores, scene)} for <QueryWord scene={scene} />, of {thousands(count)} that may be
      pasted.
      <Outside scene={scene} />
    </>
  );
}

function Inspector({ scene }: InspectorProps) {
  const { attention, p, q, query, patch } = scene;
  const { ksize, norm: rule } = attention.config;
  const go = useGo();
  const terms = attention.scoreTerms(p, q);
  const range = rangeOf(attention.row("scores", p), true);
  const count = terms.products.length;
  const toPatches = () => go("matching_patches", query, patch);
  return (
    <>
      <Terms>
        <Term
          picture={<QueryTile scene={scene} side={80} />}
          value={<Link onClick={toPatches}>{count} numbers</Link>}
          role="query"
        >
          query <At place={attention.place(p)} role="query" />
        </Term>
        <Sign>·</Sign>
        <Term
          picture={<MatchTile scene={scene} side={80} />}
          value={<Link onClick={toPatches}>{count} numbers</Link>}
          role="match"
        >
          key <At place={attention.cellOf(q)} role="match" />
        </Term>
        <Sign>=</Sign>
        <Term
          picture={<ProductTile products={terms.products} ksize={ksize} />}
          value={<Value name="products" value={total(terms.products)} />}
        >
          products, summed
        </Term>
        <Sign>÷</Sign>
        <Term
          picture={<Large>{rule === "none" ? "1" : "‖key‖"}</Large>}
          value={<Value name="norm" value={terms.norm} />}
        >
          {NORMS[rule]}
        </Term>
        <Sign>=</Sign>
        <Term
          picture={<Chip colour={paint(terms.score, range)} />}
          value={
            <Value
              name="score"
              value={terms.score}
              onClick={() => go("fused_rows", query, patch)}
            />
          }
          role="match"
          kind="result"
        >
          score s
        </Term>
      </Terms>
      <Note>
        <Cosine score={terms.score} queryNorm={terms.queryNorm} isDivided={rule !== "none"} />
      </Note>
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
  return <Tile rows={ksize} side={80} colours={(i) => paint(sums[i], range)} />;
}

function Foot() {
  const { session } = useTools();
  return <span>{DIVISIONS[session.run.config.norm]}</span>;
}

export const matching: Step = {
  name: "Matching",
  short: "Matching",
  Sentence,
  value: ({ attention, p, q }) => (p < 0 ? "" : digits(attention.row("scores", p)[q])),
  Thumbnail: () => <Thumbnails step={matching} pictures={PICTURES} />,
  Foot,
  rowStage: () => "scores",
  shape: (_stage, run, { h, w, L }) => [run.inputs.n, h, w, L],
  values: (_stage, { attention, p }) => attention.row("scores", p),
  marks: patchMarks,
  Inspector,
};
