// What is asked, and what a guess came to, in words.
import type { Placing } from "../../engine/gaps.ts";
import type { NoGap } from "../../state/gap.ts";
import { cell, thousands } from "../format.ts";

const ALIKE = 0.95; // the cosine of two patches that look the same
const FEW = 3; // a rank that comes close to the first
const SAME_DISTANCE = 0.5; // cells
const NEXT_TO = 1;

const counted = (count: number, noun: string): string =>
  `${thousands(count)} ${noun}${count === 1 ? "" : "s"}`;

/** "3 rows below yours and 7 columns to its right": where a patch lies, seen from the guess. */
export function positionOf(down: number, right: number): string {
  const rows = `${counted(Math.abs(down), "row")} ${down > 0 ? "below" : "above"}`;
  const columns = `${counted(Math.abs(right), "column")} to`;
  const side = right > 0 ? "right" : "left";
  if (down === 0) return `in the same row as yours, ${columns} the ${side}`;
  if (right === 0) return `in the same column as yours, ${rows}`;
  return `${rows} yours and ${columns} its ${side}`;
}

/** One sentence on how the best patch lies to the guessed one, and why it was taken for it. */
export function relationOf(placing: Placing): string {
  const { query, guess, best, likeness, rank, rawRank } = placing;
  const [down, right] = [best[0] - guess[0], best[1] - guess[1]];
  const position = positionOf(down, right);
  const fromQuery = ([row, column]: readonly [number, number]) => [
    row - query[0],
    column - query[1],
  ];
  const [[guessDown, guessRight], [bestDown, bestRight]] = [fromQuery(guess), fromQuery(best)];
  const distances = [Math.hypot(guessDown, guessRight), Math.hypot(bestDown, bestRight)];
  if (Math.max(Math.abs(down), Math.abs(right)) <= NEXT_TO) {
    return `They are neighbours: it lies ${position}.`;
  }
  if (rank !== null && rawRank !== null && rawRank <= FEW && rank > FEW * rawRank) {
    return (
      `It lies ${position}. By raw score yours was number ${rawRank}: ` +
      "fusion, which asks the neighbours, put it back."
    );
  }
  if (likeness >= ALIKE) {
    return `It looks much the same as yours, cosine ${likeness.toFixed(2)}, and lies ${position}.`;
  }
  if (guessDown === -bestDown && guessRight === -bestRight) {
    return "It lies just as far from the cell, on the opposite side.";
  }
  if (Math.abs(distances[0] - distances[1]) <= SAME_DISTANCE) {
    return `It lies just as far from the cell as yours: ${position}.`;
  }
  return `It lies ${position}.`;
}

/** Why nothing is asked. */
export function reasonOf({ reason, cell: [row, column] }: NoGap): string {
  const at = `cell ${cell(row, column)}`;
  switch (reason) {
    case "none":
      return `There is nothing to predict for ${at}: every patch touches the hole.`;
    case "nan":
      return `There is nothing to predict for ${at}: its row holds values that are not numbers.`;
    case "level":
      return `There is nothing to predict for ${at}: all patches that may be pasted get the same.`;
    case "no cell":
      return `There is no ${at} in the present grid: under this rate it has fewer cells.`;
  }
}
