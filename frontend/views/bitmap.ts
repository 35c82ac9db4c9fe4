// Pixels on a canvas, one of its pixels for each number.

/** Red, green, blue and, where it is not opaque, alpha: 0 to 255. */
export type Colour = ArrayLike<number>;
/** The colour of place i, in rows; null where the place is open. */
export type Colours = (i: number) => Colour | null;

/** Paint rows × cols pixels on a canvas, whose size becomes theirs. */
export function paintOn(
  canvas: HTMLCanvasElement,
  rows: number,
  cols: number,
  colours: Colours,
): void {
  if (canvas.width !== cols) canvas.width = cols;
  if (canvas.height !== rows) canvas.height = rows;
  const pen = canvas.getContext("2d");
  if (!pen) return;
  const image = pen.createImageData(cols, rows);
  const { data } = image;
  for (let i = 0; i < rows * cols; i++) {
    const colour = colours(i);
    if (!colour) continue;
    data[4 * i] = colour[0];
    data[4 * i + 1] = colour[1];
    data[4 * i + 2] = colour[2];
    data[4 * i + 3] = colour.length > 3 ? colour[3] : 255;
  }
  pen.putImageData(image, 0, 0);
}

export function bitmap(rows: number, cols: number, colours: Colours): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  paintOn(canvas, rows, cols, colours);
  return canvas;
}
