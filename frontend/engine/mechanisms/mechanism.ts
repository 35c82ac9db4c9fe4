// A step's working as a function of time: what there is to see at tick 0, at tick 1, up to the
// last. No clock and no drawing: whoever draws asks for a tick, in any order.

export interface Mechanism<Frame> {
  /** The last tick; the first is 0. */
  readonly last: number;
  readonly at: (tick: number) => Frame;
  /** Ticks that are worth a longer look, beside the first and the last. */
  readonly stops?: readonly number[];
}
