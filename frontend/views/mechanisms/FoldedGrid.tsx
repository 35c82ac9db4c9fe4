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
  const { grid, order, cells, added, middle, role, colours, label, side = 180 } = props;
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
  const step = Math.min(36, Math.floor(side / Math.max(height, width)));
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
              <text x={left + 0.5} y={top + 0.3}>
                {countedAt(index, grid, order)}
              </text>
            </g>
          );
        }),
      )}
      <LeftOut places={wantedColumns} positions={columns} at={(x) => [x, height / 2]} />
      <LeftOut places={wantedRows} positions={rows} at={(y) => [width / 2, y]} />
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
          role={role}
          wraps={isOnOtherLine(before, now, grid, order)}
        />
      )}
      {now >= 0 && <Outline box={cornerOf(now)} role={role} />}
    </svg>
  );
}

interface LeftOutProps {
  places: readonly number[];
  positions: ReadonlyMap<number, number>;
  /** Where the middle of a gap is, x and y. */
  at: (position: number) => readonly [number, number];
}

/** A sign in each gap that rows or columns are left out there. */
function LeftOut({ places, positions, at }: LeftOutProps) {
  const afterGap = places.filter((place, i) => i > 0 && place !== places[i - 1] + 1);
  return (
    <>
      {afterGap.map((place) => {
        const [x, y] = at((positions.get(place) ?? 0) - GAP / 2);
        return (
          <text key={place} class="ctx-left-out" x={x} y={y + 0.08}>
            ⋯
          </text>
        );
      })}
    </>
  );
}

/** Whether a move ran over the end of a row, or of a column, onto the next. */
function isOnOtherLine(before: number, now: number, { cols }: Grid, order: Order): boolean {
  const axis = order === "rows" ? 0 : 1;
  return cellAt(before, cols)[axis] !== cellAt(now, cols)[axis];
}

type Corner = { readonly top: number; readonly left: number };

interface MoveProps {
  from: Corner;
  to: Corner;
  wraps: boolean;
  role: Role;
}

/** From the middle of one cell to that of another. */
function Move({ from, to, wraps, role }: MoveProps) {
  const line = {
    x1: from.left + 0.5,
    y1: from.top + 0.5,
    x2: to.left + 0.5,
    y2: to.top + 0.5,
  };
  return (
    <g class={`ctx-move ctx-of-${role} ${wraps ? "ctx-wrapped" : ""}`}>
      <line {...line} class="ctx-dark" />
      <line {...line} />
    </g>
  );
}
