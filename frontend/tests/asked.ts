// A page that asks.
import type { AnswerData, CellQuestion, QuestionData, SharperQuestion } from "../protocol.ts";
import { setUp } from "./hands.ts";
import type { open } from "./stub.ts";

const COMMON = { text: null, sample: null };
export const WHERE: CellQuestion = { kind: "where", cell: [1, 3], ...COMMON };
export const SHARE: CellQuestion = { kind: "share", cell: [2, 2], ...COMMON };
export const SHARPER: SharperQuestion = {
  kind: "sharper",
  cells: [
    [0, 0],
    [3, 4],
    [5, 1],
  ],
  scale: 40,
  ...COMMON,
};

const RATE = 2;
export const pixel = ([row, column]: readonly number[]): [number, number] => [
  row * RATE,
  column * RATE,
];

/** A page on a stub model that asks. */
export function asked(questions: readonly QuestionData[], ...how: Parameters<typeof open>) {
  const [traits = {}, ...more] = how;
  const page = setUp({ ...traits, questions: [...questions] } as typeof traits, ...more);
  const stop = page.hands.asker.follow();
  const answers = () => page.model.values.answers as AnswerData[];
  return { ...page, stop, answers, asker: page.hands.asker };
}
