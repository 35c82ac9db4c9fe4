// Which pixel a cell takes when a map is shrunk, under either of the two rules.
import type { Attention } from "../engine/attention.ts";
import { nearestIndices } from "../engine/downsampling.ts";
import type { Place } from "../state/cursor.ts";
import { cell } from "../views/format.ts";

interface RuleProps {
  attention: Attention;
  place: Place;
  size: Place;
}

/** Which pixel the cell takes, and whether the other rule would take another. */
export function Rule({ attention, place, size }: RuleProps) {
  const { rate, shrink: rule } = attention.config;
  const [row, column] = place;
  const [rows, columns] = size.map((length) => nearestIndices(length, rate, "align_corners"));
  const plain = cell(row * rate, column * rate);
  const aligned = cell(rows[row], columns[column]);
  const parting = partingOf(rows, columns, rate);
  if (rule === "align_corners") {
    return (
      <>
        Aligned corners, as in the original: first cell on first pixel, last on last, evenly
        between.{" "}
        {plain === aligned
          ? `Plain steps of ${rate} take the same pixel here${parting}.`
          : `For this cell that is pixel ${aligned}; plain steps of ${rate} would take ${plain}.`}
      </>
    );
  }
  return (
    <>
      Plain steps: row {row} takes pixel {row} · {rate} = {row * rate}, column {column} pixel{" "}
      {column} · {rate} = {column * rate}. The original aligns the corners instead:{" "}
      {plain === aligned
        ? `here that is the same pixel${parting}.`
        : `for this cell it would take ${aligned}.`}
    </>
  );
}

/** Where the two rules begin to take different pixels: once they do, the distance only grows. */
function partingOf(rows: Int32Array, columns: Int32Array, rate: number): string {
  const row = rows.findIndex((pixel, i) => pixel !== i * rate);
  const column = columns.findIndex((pixel, i) => pixel !== i * rate);
  const lines: string[] = [];
  if (row >= 0) lines.push(`row ${row}`);
  if (column >= 0) lines.push(`column ${column}`);
  if (lines.length === 0) return ", as everywhere in a map of this size";
  return `; the two rules part from ${lines.join(" or ")} on`;
}
