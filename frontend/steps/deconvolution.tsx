// Deconvolution: every query pastes its mixed patch, and where patches overlap they are averaged.
import { Fragment } from "preact";
import { clamp } from "../engine/numbers.ts";
import type { Ledger, LedgerTerm } from "../engine/results.ts";
import type { Place } from "../state/cursor.ts";
import type { Result } from "../state/run.ts";
import type { Scene } from "../state/scene.ts";
import type { Colour, Colours } from "../views/bitmap.ts";
import { coloursOf } from "../views/colours.ts";
import { useGo, useTools } from "../views/context.ts";
import { cell, percent } from "../views/format.ts";
import { At, Link } from "../views/numbers.tsx";
import { PatchWord, Word } from "../views/Sentence.tsx";
import { Chip, Note, Sign, Term, Terms, Value, Vector } from "../views/terms.tsx";
import { Thumbnails } from "../views/thumbnails.tsx";
import { MixedTile } from "../views/tiles.tsx";
import { pasteBox } from "./boxes.ts";
import type { InspectorProps, Miniature, Outline, Step } from "./step.ts";
import { Outside, QueryWord } from "./words.tsx";

/** The pixel that was asked for, or one in the middle of the query's cell. */
export function pixelOf({ attention, p, pixel }: Scene): Place {
  if (pixel) return pixel;
  const { H, W, config } = attention;
  const [row, column] = attention.place(p);
  const inside = config.rate >> 1;
  return [
    Math.min(H - 1, row * config.rate + inside),
    Math.min(W - 1, column * config.rate + inside),
  ];
}

function Sentence({ scene }: InspectorProps) {
  const { attention, pixel, ledger } = scene;
  const side = 2 * attention.config.rate;
  const isConstant = attention.config.overlap === "constant";
  const swapped = scene.run.swap.value?.stageOf("output");
  if (swapped && pixel) {
    return (
      <>
        <Word role="pixel">Pixel {cell(...pixel)}</Word> is as your function {swapped.name} made it.
        <Best scene={scene} />
      </>
    );
  }
  if (pixel && ledger) {
    const { terms, divisor } = ledger;
    return (
      <>
        <Word role="pixel">Pixel {cell(...pixel)}</Word> is what {terms.length} pasted{" "}
        {terms.length === 1 ? "patch has" : "patches have"} there, divided by {divisor}.
        <Best scene={scene} />
      </>
    );
  }
  return (
    <>
      <QueryWord scene={scene} isFirst /> pastes{" "}
      <Word role="pixel">
        {side}×{side} pixels
      </Word>
      ; at each, up to four such patches are added and divided by{" "}
      {isConstant ? "4" : "how many they are"}.
      <Outside scene={scene} />
    </>
  );
}

/** The patch that most of the pixel comes from. */
function Best({ scene }: InspectorProps) {
  const [first, second] = scene.best;
  if (!(first?.weight > 0)) return null;
  if (first.weight === second?.weight) {
    return <> No patch gives most: the first ones give {percent(first.weight)} each.</>;
  }
  return (
    <>
      {" "}
      The largest share, {percent(first.weight)}, is <PatchWord at={[first.row, first.col]} />
      ’s.
    </>
  );
}

/** It answers for a pixel at every stage, and for a query at its own. */
function Inspector({ scene }: InspectorProps) {
  const { attention, channel } = scene;
  const pixel = pixelOf(scene);
  const ledger = scene.ledger ?? attention.pixel(...pixel);
  return (
    <>
      <Terms>
        {ledger.terms.map((term, i) => (
          <Fragment key={term.p}>
            {i > 0 && <Sign>+</Sign>}
            <Contribution scene={scene} term={term} />
          </Fragment>
        ))}
        <Sign>
          ÷ <Value name="divisor" value={ledger.divisor} /> =
        </Sign>
        <Term
          kind="result"
          picture={<Chip colour={colourOf(scene, ledger.value)} />}
          value={<Vector name="value" values={ledger.value} />}
          role="pixel"
        >
          pixel <At place={pixel} role="pixel" />
        </Term>
      </Terms>
      <Note>
        <Division ledger={ledger} isConstant={attention.config.overlap === "constant"} /> The
        numbers under the patches are of channel {channel ?? 0}.{" "}
        {!scene.ledger && "Move over the output to choose another pixel."}
      </Note>
    </>
  );
}

/** What one query's patch adds to the pixel, and the patch that it takes most of. */
function Contribution({ scene, term }: { scene: Scene; term: LedgerTerm }) {
  const { attention, channel } = scene;
  const { p, dy, dx, contribution, best } = term;
  const go = useGo();
  const query: Place = [term.row, term.col];
  const side = 2 * attention.config.rate;
  const [first] = best;
  return (
    <Term
      picture={<MixedTile scene={scene} p={p} side={72} ring={[dy * side + dx]} />}
      value={
        <Value
          name="contribution"
          value={contribution[channel ?? 0]}
          onClick={() => go("attention", query)}
        />
      }
      role="query"
    >
      of <At place={query} role="query" />
      <br />
      <Link onClick={() => go("attention", query, first.index)}>
        {percent(first.weight)} <At place={[first.row, first.col]} role="match" />
      </Link>
    </Term>
  );
}

function Division({ ledger, isConstant }: { ledger: Ledger; isConstant: boolean }) {
  const count = ledger.terms.length;
  const { divisor } = ledger;
  if (isConstant && count < 4) {
    const reaches = count === 1 ? "reaches" : "reach";
    return (
      <>
        Only {count} of 4 patches {reaches} this pixel, yet the sum is divided by 4: the border is
        pulled towards 0.
      </>
    );
  }
  if (count === 1) {
    return <>1 patch alone reaches this pixel; the sum is divided by {divisor}, the true count.</>;
  }
  return (
    <>
      {count} overlapping patches meet at this pixel; the sum is divided by {divisor},{" "}
      {isConstant ? "at the border, too" : "the true count"}.
    </>
  );
}

/** The colour of one number a channel. */
const colourOf = ({ run }: Scene, values: Float64Array): Colour | null =>
  coloursOf({ run, channel: null }, values, 1)(0);

// ---- its thumbnail: what the query pastes, in its surroundings of the output ----

const SURROUNDINGS = 12; // cells

function miniature(scene: Scene): Miniature | null {
  const { attention, run, sample, query, channel } = scene;
  if (!query) return null;
  const { H, W, config } = attention;
  const side = Math.min(SURROUNDINGS * config.rate, H, W);
  const [y, x, height, width] = pasteBox(attention, query);
  const top = clamp(y + (height >> 1) - (side >> 1), H - side + 1);
  const left = clamp(x + (width >> 1) - (side >> 1), W - side + 1);
  const outlines: Outline[] = [{ box: [y - top, x - left, height, width], role: "pixel" }];
  const result = run.latest(sample);
  if (!result) return { rows: side, cols: side, layers: [], outlines };
  const colours = (): Colours => {
    const all = outputColours(scene, result);
    return (i) => all((top + Math.floor(i / side)) * W + left + (i % side));
  };
  const sources = [result, top, left, channel];
  const layers = [{ rows: side, cols: side, step: 1, sources, colours }];
  return { rows: side, cols: side, layers, outlines };
}

/** As Python draws the output, where it did and all channels are shown. */
function outputColours(scene: Scene, { picture, output }: Result): Colours {
  const { H, W } = scene.attention;
  if (!picture || scene.channel !== null) return coloursOf(scene, output, H * W);
  return (i) => picture.subarray(3 * i, 3 * i + 3);
}

const PICTURES = [miniature];

function Foot() {
  const { session } = useTools();
  const isConstant = session.run.config.overlap === "constant";
  return (
    <span>
      <span class="ctx-word">overlap </span>
      {isConstant ? "÷ 4" : "÷ count"}
    </span>
  );
}

export const deconvolution: Step = {
  name: "Deconvolution",
  short: "Deconv.",
  Sentence,
  value: () => "",
  Thumbnail: () => <Thumbnails step={deconvolution} pictures={PICTURES} />,
  Foot,
  rowStage: () => "attention",
  noRegion: "Each cell pastes at its own place",
  shape: (_stage, run, { c, H, W }) => [run.inputs.n, c, H, W],
  values: (_stage, { attention, p }) => attention.patch(p),
  Inspector,
};
