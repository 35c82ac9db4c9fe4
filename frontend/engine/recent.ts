/** The rows asked for last, by index, so that a neighbour's question finds them. */
export class Recent<Row> {
  private readonly rows = new Map<number, Row>();
  private most: number;

  constructor(most: number) {
    this.most = most;
  }

  /** Remember at least so many. */
  allow(most: number): void {
    this.most = Math.max(this.most, most);
  }

  clear(): void {
    this.rows.clear();
  }

  /** The row at an index, made by `make` where it is not remembered. */
  get(index: number, make: () => Row): Row {
    const row = this.rows.get(index) ?? make();
    // A Map keeps the order of insertion: what was used least recently comes first.
    this.rows.delete(index);
    this.rows.set(index, row);
    if (this.rows.size > this.most) {
      const [oldest] = this.rows.keys();
      this.rows.delete(oldest);
    }
    return row;
  }
}
