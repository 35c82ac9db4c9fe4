// Painting a hole: masks of W pixels a row, 1 in the hole.
import { type Cell, cellAt } from "./grid.ts";

/** Set every pixel within size / 2 of a line. */
export function stroke(
  mask: Uint8Array,
  W: number,
  [startY, startX]: Cell,
  [endY, endX]: Cell,
  size: number,
  value: 0 | 1,
): void {
  const dy = endY - startY;
  const dx = endX - startX;
  const squaredLength = dy * dy + dx * dx || 1; // of a point: anything but 0
  for (let i = 0; i < mask.length; i++) {
    const [row, column] = cellAt(i, W);
    const y = row - startY;
    const x = column - startX;
    // The nearest point of the line lies at this share of it.
    const share = Math.min(1, Math.max(0, (y * dy + x * dx) / squaredLength));
    if (Math.hypot(y - share * dy, x - share * dx) <= size / 2) {
      mask[i] = value;
    }
  }
}

/** Put a rectangle between two corners, themselves included, into the hole. */
export function rectangle(mask: Uint8Array, W: number, [y0, x0]: Cell, [y1, x1]: Cell): void {
  const left = Math.min(x0, x1);
  const right = Math.max(x0, x1);
  for (let y = Math.min(y0, y1); y <= Math.max(y0, y1); y++) {
    mask.fill(1, y * W + left, y * W + right + 1);
  }
}
