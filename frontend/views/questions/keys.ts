// The keys of questions: X skips the one that stands, N goes on, P back to the gap before.
import type { Tools } from "../context.ts";

/** Keys that go on working while a question stands. */
const ALWAYS = ["Escape", "?"];

/** Whether a key does nothing because a question stands, and what it does would answer it. */
export const isWithheld = ({ session }: Tools, { key }: KeyboardEvent): boolean =>
  session.questions.isOpen.value && !ALWAYS.includes(key);

/** Take a key that belongs to the question on screen; whether it did. */
export function takeQuestionKey({ session, hands }: Tools, event: KeyboardEvent): boolean {
  const { key, ctrlKey, metaKey, altKey } = event;
  const { question, isOpen } = session.questions;
  if (!question.value || ctrlKey || metaKey || altKey) return false;
  const { asker } = hands;
  const isBlank = asker.gap.value?.kind === "nothing";
  switch (key.toLowerCase()) {
    case "x":
      if (!isOpen.value) return false;
      asker.skip();
      return true;
    case "n":
      if (isOpen.value && isBlank) asker.skip();
      else asker.next();
      return true;
    case "p":
      asker.back();
      return true;
    default:
      return false;
  }
}
