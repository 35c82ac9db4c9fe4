// A part of a grid whose cells are numbered in the order in which they are counted. Where a walk
// goes from the end of a line to the start of the next, what lies between is left out.

import { cellAt, type Grid } from "../../engine/grid.ts";
import { folded, unfolded } from "../../engine/mechanisms/fold.ts";
import { countedAt, type Order } from "../../engine/mechanisms/fusion.ts";
import type { Colours } from "../bitmap.ts";
import type { Role } from "../numbers.tsx";
import { Outline } from "./Board.tsx";

interface FoldedGridProps {
  grid: Grid;
  order: Order;
  /** Every cell that the mechanism will come to. */
  cells: readonly number[];
  /** Those that were added, in order; the last one is where the walk stands. */
  added: readonly number[];
  /** The cell that it is all about. */
  middle: number;
  role: Role;
  colours: Colours;
  label: string;
  side?: number;
}

const MARGIN = 1; // cells around those that are wanted
const GAP = 0.5; // cells, where some are left out

export function FoldedGrid(props: FoldedGridProps) {
  const { grid, order, cells, added, middle, role, colours, label, side = 190 } = props;
  const inside = cells.filter((index) => index >= 0).map((index) => cellAt(index, grid.cols));
  const wantedRows = folded(
    inside.map(([row]) => row),
    grid.rows,
    MARGIN,
  );
  const wantedColumns = folded(
    inside.map(([, column]) => column),
    grid.cols,
    MARGIN,
  );
  const rows = unfolded(wantedRows, GAP);
  const columns = unfolded(wantedColumns, GAP);
  const height = (rows.get(wantedRows.at(-1) ?? 0) ?? 0) + 1;
  const width = (columns.get(wantedColumns.at(-1) ?? 0) ?? 0) + 1;
  const step = Math.min(38, Math.floor(side / Math.max(height, width)));
  const cornerOf = (index: number) => {
    const [row, column] = cellAt(index, grid.cols);
    return { top: rows.get(row) ?? 0, left: columns.get(column) ?? 0, rows: 1, cols: 1 };
  };
  const now = added.at(-1) ?? -1;
  const before = added.at(-2) ?? -1;
  return (
    <svg
      class="ctx-folded"
      viewBox={`-0.05 -0.05 ${width + 0.1} ${height + 0.1}`}
      style={`width: ${step * width}px`}
      role="img"
      aria-label={label}
    >
      {wantedRows.map((row) =>
        wantedColumns.map((column) => {
          const index = row * grid.cols + column;
          const [red, green, blue] = Array.from(colours(index) ?? [128, 128, 128]);
          const { top, left } = cornerOf(index);
          return (
            <g key={index}>
              <rect x={left} y={top} width="1" height="1" fill={`rgb(${red} ${green} ${blue})`} />
              <text x={left + 0.5} y={top + 0.62}>
                {countedAt(index, grid, order)}
              </text>
            </g>
          );
        }),
      )}
      <Outline box={cornerOf(middle)} role={role} kind="light" />
      {added
        .slice(0, -1)
        .map(
          (index) =>
            index >= 0 && <Outline key={index} box={cornerOf(index)} role={role} kind="done" />,
        )}
      {before >= 0 && now >= 0 && (
        <Move
          from={cornerOf(before)}
          to={cornerOf(now)}
          wraps={isOnOtherLine(before, now, grid, order)}
        />
      )}
      {now >= 0 && <Outline box={cornerOf(now)} role={role} />}
    </svg>
  );
}

/** Whether a move ran over the end of a row, or of a column, onto the next. */
function isOnOtherLine(before: number, now: number, { cols }: Grid, order: Order): boolean {
  const axis = order === "rows" ? 0 : 1;
  return cellAt(before, cols)[axis] !== cellAt(now, cols)[axis];
}

type Corner = { readonly top: number; readonly left: number };

/** From the middle of one cell to that of another. */
function Move({ from, to, wraps }: { from: Corner; to: Corner; wraps: boolean }) {
  const line = {
    x1: from.left + 0.5,
    y1: from.top + 0.5,
    x2: to.left + 0.5,
    y2: to.top + 0.5,
  };
  return (
    <g class={wraps ? "ctx-move ctx-wrapped" : "ctx-move"}>
      <line {...line} class="ctx-dark" />
      <line {...line} />
    </g>
  );
}
