// What a region's cells make of the patches together: in the sentence, in the caption, and spoken.
import { WEIGHTS } from "../engine/roles.ts";
import type { Place } from "../state/cursor.ts";
import type { RegionSum } from "../state/region.ts";
import type { Scene } from "../state/scene.ts";
import { stepOf } from "../steps/index.ts";
import { cell, digits, percent, thousands, total } from "./format.ts";
import { Num } from "./numbers.tsx";
import { PatchWord, Word } from "./Sentence.tsx";

interface Strongest {
  readonly place: Place;
  /** The sum over the number of cells. */
  readonly mean: number;
}

/** The patch of the largest sum among those that may be pasted; null where no sum is a number. */
function strongestOf({ attention }: Scene, sum: RegionSum): Strongest | null {
  const { values, rowsDone } = sum;
  let most = -1;
  values.forEach((value, q) => {
    if (!attention.valid[q] || Number.isNaN(value)) return;
    if (most < 0 || value > values[most]) most = q;
  });
  if (most < 0) return null;
  return { place: attention.cellOf(most), mean: values[most] / rowsDone };
}

const NOTHING = "The region’s cells can take from no patch: none that may be pasted has a number";

/** "attention of": the matrix whose rows are added up. */
function summedWords({ run }: Scene, { stage }: RegionSum): string {
  if (stage === WEIGHTS) return "attention of";
  const entry = run.inputs.meta.registry.find(({ key }) => key === stage);
  return `${entry?.title ?? stage} of`;
}

/** "attention of 12 cells, added up" */
export const sumWords = (scene: Scene, sum: RegionSum): string =>
  `${summedWords(scene, sum)} ${sum.rows} ${sum.rows === 1 ? "cell" : "cells"}, added up`;

export function RegionSentence({ scene }: { scene: Scene }) {
  const { regionSum, stage } = scene;
  if (!regionSum) return null;
  const strongest = strongestOf(scene, regionSum);
  if (!strongest) return <>{NOTHING}.</>;
  const { place, mean } = strongest;
  const { rows } = regionSum;
  const reason = stepOf(stage).noRegion;
  const cells = (
    <Word role="query">{rows === 1 ? "The one cell" : `The ${thousands(rows)} cells`}</Word>
  );
  const average = rows === 1 ? "" : " each, on average";
  if (regionSum.stage === WEIGHTS) {
    return (
      <>
        {reason && `${reason}: shown is the attention. `}
        {cells} of the region take{rows === 1 && "s"} most from <PatchWord at={place} />:{" "}
        {percent(mean)}
        {average}.
      </>
    );
  }
  return (
    <>
      {cells} of the region score{rows === 1 && "s"} <PatchWord at={place} /> highest of those that
      may be pasted: {digits(mean)}
      {average}.
    </>
  );
}

/** What a screen reader says once all rows have been added up. */
export function spokenRegion(scene: Scene): string {
  const { regionSum } = scene;
  if (!regionSum || regionSum.rowsDone < regionSum.rows) return "";
  const strongest = strongestOf(scene, regionSum);
  if (!strongest) return NOTHING;
  const { place, mean } = strongest;
  const amount = regionSum.stage === WEIGHTS ? percent(mean) : digits(mean);
  const words = sumWords(scene, regionSum);
  return `Region, ${words}: most at patch ${cell(...place)}, ${amount} a cell on average`;
}

/** How far the sum is, once it takes long enough to be noticed; then what it comes to. */
export function RegionCaption({ scene, sum }: { scene: Scene; sum: RegionSum }) {
  const { values, rowsDone, rows, isSlow } = sum;
  if (isSlow && rowsDone < rows) {
    return (
      <span class="ctx-adding">
        <progress aria-label="rows added up" value={rowsDone} max={rows} />{" "}
        {`${rowsDone} of ${rows} rows`}
      </span>
    );
  }
  return (
    <>
      {summedWords(scene, sum)} <Num value={rows} /> {rows === 1 ? "cell" : "cells"}, added up:{" "}
      <Num value={total(values)} />
    </>
  );
}
