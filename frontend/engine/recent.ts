/** The rows asked for last, by index, so that a neighbour's question finds them. */
export class Recent<Row> {
  private readonly rows = new Map<number, Row>();
  private readonly most: number;
  private readonly reuses: boolean;

  /** @param reuses whether a row is overwritten once it is no longer among the last. */
  constructor(most: number, reuses = false) {
    this.most = most;
    this.reuses = reuses;
  }

  clear(): void {
    this.rows.clear();
  }

  /** The row at an index, made by `make` where it is not remembered: in `spare`, if any. */
  get(index: number, make: (spare?: Row) => Row): Row {
    const row = this.rows.get(index) ?? make(this.oldest());
    // A Map keeps the order of insertion: what was used least recently comes first.
    this.rows.delete(index);
    this.rows.set(index, row);
    return row;
  }

  /** Make room for another row: the one used least recently goes. */
  private oldest(): Row | undefined {
    if (this.rows.size < this.most) {
      return undefined;
    }
    const [[index, row]] = this.rows;
    this.rows.delete(index);
    return this.reuses ? row : undefined;
  }
}
