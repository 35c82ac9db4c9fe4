// How the original adds up along the rows, and then along the columns: reshape, kernel, transpose.
import { along, flat, type Grid } from "../engine/grid.ts";
import type { Place } from "../state/cursor.ts";
import type { Scene } from "../state/scene.ts";
import { At } from "../views/numbers.tsx";

interface OrderProps {
  scene: Scene;
  /** The first pass, along the rows. */
  isFirst: boolean;
}

/** The operation in words that are the same for every cell, then this cell's numbers in it. */
export function Order({ scene, isFirst }: OrderProps) {
  const { attention } = scene;
  const { fuse_k, stride } = attention.config;
  const kernel = `${fuse_k}×${fuse_k}`;
  const way = stride === 1 ? "one" : String(stride);
  const plural = stride === 1 ? "" : "s";
  return (
    <p class="ctx-order">
      {isFirst ? (
        <>
          In the original: a matrix of queries × patches, counted row by row, and a {kernel}{" "}
          identity kernel along its diagonal. One step on, both lie {way} column{plural} to the
          right; past a row’s end, in the next row.
        </>
      ) : (
        <>
          In the original: both grids transposed, so that cells are counted column by column, the
          same {kernel} kernel, both transposed back. One step on, both lie {way} row{plural} below;
          past a column’s end, in the next column.
        </>
      )}{" "}
      <Counted scene={scene} isFirst={isFirst} />
    </p>
  );
}

/** The index of query and patch in the order of the pass, and the next ones on the diagonal. */
function Counted({ scene, isFirst }: OrderProps) {
  const { attention, p, q } = scene;
  const { queryGrid, patchGrid } = attention;
  const querySum = sumOf(p, queryGrid, isFirst);
  const patchSum = sumOf(q, patchGrid, isFirst);
  const queryBefore = countOf(p, queryGrid, isFirst);
  const patchBefore = countOf(q, patchGrid, isFirst);
  const next = {
    p: along(p, queryGrid.step, isFirst ? flat(queryGrid) : queryGrid),
    q: along(q, patchGrid.step, isFirst ? flat(patchGrid) : patchGrid),
  };
  return (
    <>
      <b>{isFirst ? "Row by row" : "Column by column"}:</b> query {querySum}, patch {patchSum};{" "}
      {next.p < 0 || next.q < 0 ? (
        "the next on the diagonal lies outside of the matrix and counts 0"
      ) : (
        <>
          next {queryBefore + queryGrid.step} and {patchBefore + patchGrid.step}:{" "}
          <At place={attention.place(next.p)} role="query" /> with{" "}
          <At place={attention.cellOf(next.q)} role="match" />
          {wraps(p, next.p, queryGrid, isFirst) || wraps(q, next.q, patchGrid, isFirst)
            ? ", which is no neighbour"
            : ""}
        </>
      )}
    </>
  );
}

const placeOn = (index: number, { cols }: Grid): Place => [Math.floor(index / cols), index % cols];

/** row · columns + column, or column · rows + row. */
function countOf(index: number, grid: Grid, byRow: boolean): number {
  const [row, column] = placeOn(index, grid);
  return byRow ? row * grid.cols + column : column * grid.rows + row;
}

/** "3·5 + 2 = 17" */
function sumOf(index: number, grid: Grid, byRow: boolean): string {
  const [row, column] = placeOn(index, grid);
  const sum = byRow ? `${row}·${grid.cols} + ${column}` : `${column}·${grid.rows} + ${row}`;
  return `${sum} = ${countOf(index, grid, byRow)}`;
}

/** Whether the next one lies in another row, or in another column. */
function wraps(from: number, to: number, grid: Grid, byRow: boolean): boolean {
  const axis = byRow ? 0 : 1;
  return placeOn(from, grid)[axis] !== placeOn(to, grid)[axis];
}
