// Step 2: patches, read from a map with zeros around it.

/** A map of c × rows × cols with zeros around it, and its patches of side × side. */
export class PaddedMaps {
  readonly c: number;
  readonly rows: number;
  readonly cols: number;
  readonly side: number;
  /** How many zeros stand before the map, above and at its left. */
  readonly before: number;
  /** Rows and columns with the zeros. */
  readonly height: number;
  readonly width: number;
  /** Cells with the zeros. */
  readonly size: number;
  readonly planes: Float32Array;
  /** How far each number of a patch lies from its corner. */
  readonly taps: Int32Array;

  constructor(
    map: Float32Array,
    c: number,
    rows: number,
    cols: number,
    side: number,
    before: number,
    after: number,
  ) {
    this.c = c;
    this.rows = rows;
    this.cols = cols;
    this.side = side;
    this.before = before;
    this.height = rows + before + after;
    this.width = cols + before + after;
    this.size = this.height * this.width;
    this.planes = new Float32Array(c * this.size);
    for (let channel = 0; channel < c; channel++) {
      for (let row = 0; row < rows; row++) {
        const source = (channel * rows + row) * cols;
        const target = (channel * this.height + row + before) * this.width + before;
        this.planes.set(map.subarray(source, source + cols), target);
      }
    }
    this.taps = this.tapsOf(side);
  }

  /** The patch whose corner is a place of the padded map; around cell (y, x) where `before` is half
   * a side. */
  patch(y: number, x: number): Float64Array {
    const { planes, taps } = this;
    const corner = y * this.width + x;
    const values = new Float64Array(taps.length);
    for (let t = 0; t < taps.length; t++) {
      values[t] = planes[corner + taps[t]];
    }
    return values;
  }

  /** The channels of one cell of the padded map. */
  cell(y: number, x: number): Float32Array {
    const { planes, size, width } = this;
    return Float32Array.from({ length: this.c }, (_, k) => planes[k * size + y * width + x]);
  }

  /** How far each number of a square lies from its corner: channel by channel, row by row. */
  tapsOf(side: number): Int32Array {
    const taps: number[] = [];
    for (let channel = 0; channel < this.c; channel++) {
      for (let row = 0; row < side; row++) {
        for (let column = 0; column < side; column++) {
          taps.push((channel * this.height + row) * this.width + column);
        }
      }
    }
    return Int32Array.from(taps);
  }
}
