// Deconvolution: every query pastes its mixed patch, and where patches overlap they are averaged.
import type { Ledger } from "../engine/results.ts";
import type { Place } from "../state/cursor.ts";
import type { Scene } from "../state/scene.ts";
import { coloursOf } from "../views/colours.ts";
import { useGo } from "../views/context.ts";
import { cell, total } from "../views/format.ts";
import { At, Link, Num, Tuple } from "../views/numbers.tsx";
import { MixedTile, Swatch } from "../views/tiles.tsx";
import type { InspectorProps, Step } from "./step.ts";

type Term = Ledger["terms"][number];

/** The pixel that was asked for, or one in the middle of the query's cell. */
function pixelOf({ attention, p, pixel }: Scene): Place {
  if (pixel) return pixel;
  const { H, W, config } = attention;
  const [row, column] = attention.place(p);
  const inside = config.rate >> 1;
  return [
    Math.min(H - 1, row * config.rate + inside),
    Math.min(W - 1, column * config.rate + inside),
  ];
}

/** It answers for a pixel at every stage, and for a query at its own. */
function Inspector({ scene }: InspectorProps) {
  const { attention } = scene;
  const pixel = pixelOf(scene);
  const ledger = scene.ledger ?? attention.pixel(...pixel);
  const isConstant = attention.config.overlap === "constant";
  return (
    <>
      <p class="ctx-line">
        y
        <At place={pixel} role="pixel" /> = <Tuple values={ledger.total} /> /{" "}
        <Num value={ledger.divisor} /> ={" "}
        <b>
          <Tuple values={ledger.value} />
        </b>{" "}
        <ColourSwatch scene={scene} values={ledger.value} />
      </p>
      <table class="ctx-ledger">
        <thead>
          <tr>
            <th scope="col">patch</th>
            <th scope="col">of query</th>
            <th scope="col">weights of patches, colours there</th>
            <th scope="col">adds</th>
          </tr>
        </thead>
        <tbody>
          {ledger.terms.map((term) => (
            <TermRow key={term.p} scene={scene} term={term} />
          ))}
        </tbody>
      </table>
      <p>
        <Division ledger={ledger} isConstant={isConstant} /> Colours are in the units of f and b.{" "}
        {!scene.ledger && <span>Move over the output to choose another pixel.</span>}
      </p>
    </>
  );
}

function Division({ ledger, isConstant }: { ledger: Ledger; isConstant: boolean }) {
  const count = ledger.terms.length;
  if (isConstant && count < 4) {
    return (
      <span>
        Only <Num value={count} /> of 4 patches {count === 1 ? "reaches" : "reach"} this pixel, yet
        the sum is divided by 4: the border darkens.
      </span>
    );
  }
  return (
    <span>
      <Num value={count} />{" "}
      {count === 1
        ? "patch alone reaches this pixel; the sum is divided by "
        : "overlapping patches meet at this pixel; the sum is divided by "}
      <Num value={ledger.divisor} />
      <span>{isConstant ? ", always 4" : ", the true count"}</span>.
    </span>
  );
}

/** What one query's patch adds to the pixel, and what that is mixed from. */
function TermRow({ scene, term }: { scene: Scene; term: Term }) {
  const { attention } = scene;
  const { p, dy, dx, contribution, best } = term;
  const go = useGo();
  const query: Place = [term.row, term.col];
  const side = 2 * attention.config.rate;
  const listed = total(best.map(({ weight }) => weight));
  const rest = total(attention.row("attention", p)) - listed;
  return (
    <tr>
      <td>
        <MixedTile scene={scene} p={p} side={44} ring={[dy * side + dx]} />
      </td>
      <td>
        <var class="q">
          <Link onClick={() => go("attention", query)}>{cell(...query)}</Link>
        </var>
        <br />
        <small>place {cell(dy, dx)}</small>
      </td>
      <td>
        {best.map(({ index, row, col, weight, colour }, i) => (
          <i key={index}>
            {i > 0 && "+ "}
            <Num value={weight} onClick={() => go("attention", query, index)} />
            {` ${cell(row, col)} `}
            <ColourSwatch scene={scene} values={colour} />
          </i>
        ))}{" "}
        + <Num value={rest} /> others
      </td>
      <td>
        <ColourSwatch scene={scene} values={contribution} />
        <small>
          <Tuple values={contribution} />
        </small>
      </td>
    </tr>
  );
}

/** The colour of one number a channel. */
function ColourSwatch({ scene, values }: { scene: Scene; values: Float64Array }) {
  const colour = coloursOf({ run: scene.run, channel: null }, values, 1)(0);
  return colour && <Swatch colour={colour} />;
}

export const deconvolution: Step = {
  name: "Deconvolution",
  rowStage: () => "attention",
  shape: (_stage, run, { c, H, W }) => [run.inputs.n, c, H, W],
  values: (_stage, { attention, p }) => attention.patch(p),
  Inspector,
};
