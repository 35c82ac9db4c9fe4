// What an entry of the tables of hash_run.ts and hash_view.ts is.

/** One thing that a link carries. */
export interface Field<Source, Target> {
  readonly name: string;
  /** "" where it is as on an untouched page. Letters, digits and , . ; - _ need no escaping. */
  readonly write: (source: Source) => string;
  /** Set it; of "", as on an untouched page. False where the text says nothing for this run. */
  readonly read: (text: string, target: Target) => boolean;
}

/** A number as JavaScript writes it: no blanks, nothing after it. */
export function numberOf(text: string): number {
  const number = Number(text);
  return String(number) === text ? number : Number.NaN;
}
