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
  readonly planes: Float32Array;
  /** How far each number of a patch lies from its corner: channel by channel, row by row. */
  readonly taps: Int32Array;
  /** The same for one line of a patch, in all channels. */
  readonly lineTaps: Int32Array;

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
    this.planes = new Float32Array(c * this.height * this.width);
    for (let channel = 0; channel < c; channel++) {
      for (let row = 0; row < rows; row++) {
        const source = (channel * rows + row) * cols;
        const target = (channel * this.height + row + before) * this.width + before;
        this.planes.set(map.subarray(source, source + cols), target);
      }
    }
    this.taps = this.tapsOf(side);
    this.lineTaps = this.tapsOf(1);
  }

  /** The patch whose corner is a place of the padded map; around cell (y, x) where `before` is half
   * a side. */
  patch(y: number, x: number): Float64Array {
    return this.read(y * this.width + x, this.taps);
  }

  /** One line of a patch, c × side: it starts at row y, column x of the padded map. */
  line(y: number, x: number): Float64Array {
    return this.read(y * this.width + x, this.lineTaps);
  }

  private read(corner: number, taps: Int32Array): Float64Array {
    const { planes } = this;
    const values = new Float64Array(taps.length);
    for (let t = 0; t < taps.length; t++) {
      values[t] = planes[corner + taps[t]];
    }
    return values;
  }

  private tapsOf(lines: number): Int32Array {
    const taps: number[] = [];
    for (let channel = 0; channel < this.c; channel++) {
      for (let line = 0; line < lines; line++) {
        for (let place = 0; place < this.side; place++) {
          taps.push((channel * this.height + line) * this.width + place);
        }
      }
    }
    return Int32Array.from(taps);
  }
}
