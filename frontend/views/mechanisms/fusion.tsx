// Fusion, watched: two grids moving together, along the rows first, then down the columns.
import { paint, rangeOf } from "../../engine/colour.ts";
import {
  type Block,
  countedAt,
  type FusedStage,
  type FusionFrame,
  type FusionMechanism,
  fusionMechanism,
  type Pair,
} from "../../engine/mechanisms/fusion.ts";
import type { Scene } from "../../state/scene.ts";
import { coloursOf } from "../colours.ts";
import { brief, Figure, pale } from "./Board.tsx";
import { FoldedGrid } from "./FoldedGrid.tsx";
import type { Filming } from "./film.ts";
import { FusionSentence } from "./fusion_words.tsx";

/** Along the rows alone, or both passes. */
export const fusionFilm =
  (stage: FusedStage): Filming =>
  (scene) => {
    const { attention, p, q } = scene;
    if (p < 0 || q < 0) return null;
    const mechanism = fusionMechanism(attention, p, q, stage);
    return {
      last: mechanism.last,
      draw: (tick) => <Picture scene={scene} mechanism={mechanism} frame={mechanism.at(tick)} />,
      tell: (tick) => (
        <FusionSentence scene={scene} mechanism={mechanism} frame={mechanism.at(tick)} />
      ),
    };
  };

interface PictureProps {
  scene: Scene;
  mechanism: FusionMechanism;
  frame: FusionFrame;
}

const every = (stride: number): string => (stride > 1 ? `, one every ${stride} cells` : "");
const COUNTED = { rows: "row by row", columns: "column by column" };

function Picture({ scene, mechanism, frame }: PictureProps) {
  const { attention } = scene;
  const { h, w, hb, wb, config, queryGrid, patchGrid, downsampledF, downsampledB } = attention;
  const { p, q, lines } = mechanism;
  const ofQueries = coloursOf(scene, downsampledF, h * w);
  const ofCells = coloursOf(scene, downsampledB, hb * wb);
  const ofPatches = (index: number) => {
    const [row, column] = attention.cellOf(index);
    return ofCells(row * wb + column);
  };
  const pairs = lines.flat();
  const shared = { order: frame.order };
  const walked = frame.phase === "back" ? [] : frame.added;
  return (
    <>
      <Figure name={`queries, ${COUNTED[frame.order]}`}>
        <FoldedGrid
          {...shared}
          grid={queryGrid}
          cells={[p, ...pairs.map((pair) => pair.p)]}
          added={walked.map((pair) => pair.p)}
          middle={p}
          role="query"
          colours={ofQueries}
          label="the queries around this one, numbered"
        />
      </Figure>
      <Figure name={`patches, ${COUNTED[frame.order]}${every(config.stride)}`}>
        <FoldedGrid
          {...shared}
          grid={patchGrid}
          cells={[q, ...pairs.map((pair) => pair.q)]}
          added={walked.map((pair) => pair.q)}
          middle={q}
          role="match"
          colours={ofPatches}
          label="the patches around this one, numbered"
        />
      </Figure>
      <Figure
        name={
          frame.block.order === "rows"
            ? "their scores; the kernel adds the diagonal alone"
            : "sums of the first pass, sorted anew; the same kernel"
        }
      >
        <Matrix scene={scene} block={frame.block} addedCount={frame.added.length} />
      </Figure>
      <Sums mechanism={mechanism} frame={frame} />
    </>
  );
}

interface MatrixProps {
  scene: Scene;
  block: Block;
  addedCount: number;
}

/** A part of the matrix of scores, with the numbers of its queries and patches beside it. */
function Matrix({ scene, block, addedCount }: MatrixProps) {
  const { queryGrid, patchGrid } = scene.attention;
  const range = rangeOf(
    block.values.flat().filter((value) => value !== null),
    true,
  );
  const counted = (index: number, grid: typeof queryGrid) =>
    index < 0 ? "–" : countedAt(index, grid, block.order);
  return (
    <table class="ctx-block">
      <tbody>
        <tr>
          <td />
          {block.patches.map((q, j) => (
            <th key={j} scope="col" class="k">
              {counted(q, patchGrid)}
            </th>
          ))}
        </tr>
        {block.values.map((row, i) => (
          <tr key={i}>
            <th scope="row" class="q">
              {counted(block.queries[i], queryGrid)}
            </th>
            {row.map((value, j) => (
              <td
                key={j}
                data-added={kindOf(i, j, addedCount)}
                style={i === j ? `background: rgb(${pale(paint(value ?? 0, range))})` : ""}
              >
                {value === null ? "0" : brief(value)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** What is added now, what was before, what will be, and what never is. */
function kindOf(i: number, j: number, addedCount: number): string {
  if (i !== j) return "never";
  if (i === addedCount - 1) return "now";
  return i < addedCount ? "before" : "later";
}

/** The lines of the first pass, and what the second one makes of them. */
function Sums({ mechanism, frame }: Pick<PictureProps, "mechanism" | "frame">) {
  const { lines } = mechanism;
  const isSecond = frame.total !== null;
  const taken = isSecond ? frame.added.length : 0;
  return (
    <dl class="ctx-sums">
      {lines.map((line, i) => (
        <SumLine
          key={i}
          line={line}
          sum={frame.lines[i]}
          count={countOf(frame, i, line.length)}
          isTaken={i < taken}
        />
      ))}
      {lines.length > 1 && (
        <div class="ctx-total">
          <dt>s*</dt>
          <dd>{taken === 0 || frame.total === null ? "…" : brief(frame.total)}</dd>
        </div>
      )}
    </dl>
  );
}

/** How many pairs of a line the first pass has added. */
function countOf(frame: FusionFrame, line: number, length: number): number {
  if (frame.total !== null || line < frame.line) return length;
  return line === frame.line ? frame.added.length : 0;
}

interface SumLineProps {
  line: readonly Pair[];
  sum: number | undefined;
  count: number;
  /** The second pass has added it. */
  isTaken: boolean;
}

function SumLine({ line, sum, count, isTaken }: SumLineProps) {
  const { e } = line[0];
  return (
    <div class={isTaken ? "ctx-taken" : undefined}>
      <dt>{nameOf(e)}</dt>
      <dd>
        {line.map((pair, i) => (
          <span key={i}>
            {i > 0 && " + "}
            {i < count ? brief(pair.value) : "…"}
          </span>
        ))}
        {" = "}
        <b>{count === line.length && sum !== undefined ? brief(sum) : "…"}</b>
      </dd>
    </div>
  );
}

/** The line that lies e steps down the columns. */
function nameOf(e: number): string {
  if (e === 0) return "own line";
  const steps = Math.abs(e) === 1 ? "" : ` ${Math.abs(e)}`;
  return e < 0 ? `above${steps}` : `below${steps}`;
}
