// What is asked, in a good teacher's words where the question brings none of its own.
import type { QuestionData } from "../../protocol.ts";
import type { Place } from "../../state/cursor.ts";
import { scaleOf } from "../../state/gap.ts";
import type { Asked } from "../../state/questions.ts";
import type { Session } from "../../state/session.ts";
import { useTools } from "../context.ts";
import { cell, digits, percent, thousands, total } from "../format.ts";
import { CellWord, HoleWord } from "../Sentence.tsx";

export function Ask({ question }: { question: QuestionData }) {
  const { session } = useTools();
  if (question.text) return <>{question.text}</>;
  const at = session.questions.cell.value;
  switch (question.kind) {
    case "where":
      return (
        <>
          Where will <Subject at={at} /> look? Click the place in the background that you think it
          takes most from.
        </>
      );
    case "share":
      return (
        <>
          <Subject at={at} isFirst /> mixes all patches. How much of it comes from the single best
          one?
        </>
      );
    case "sharper": {
      const { softmax_scale: now } = session.run.config;
      const scale = scaleOf(question, session.run);
      return (
        <>
          Let softmax_scale go from {digits(now)} to {digits(scale)}: the softmax gets{" "}
          {scale > now ? "sharper" : "softer"}. Which of these cells then moves most of its shares?
        </>
      );
    }
    case "fusion":
      return <>One of these outputs was made with fusion, the other without. Which one had it?</>;
  }
}

function Subject({ at, isFirst }: { at: Place | null; isFirst?: boolean }) {
  const { session } = useTools();
  if (!at) return null;
  const { run } = session;
  const { rate } = run.config;
  const hole = run.foregroundMaskOf(session.sample.value);
  const isInHole = hole?.[(at[0] * run.inputs.W + at[1]) * rate];
  return (
    <>
      <CellWord at={at} isFirst={isFirst} />
      {isInHole ? (
        <>
          {" in the "}
          <HoleWord />
        </>
      ) : null}
    </>
  );
}

/** How to answer, and what to hold on to. */
export function hintOf(question: QuestionData, session: Session): string {
  switch (question.kind) {
    case "where":
      return "A click answers. By keys: the arrows move a cross in the background, Enter answers.";
    case "share": {
      const count = total(session.attention.valid);
      const each = percent(1 / count);
      return `If all ${thousands(count)} patches counted alike, each would get ${each}.`;
    }
    case "sharper":
      return (
        "What counts is how much of its shares moves to other patches. The cells are outlined " +
        "on the left."
      );
    case "fusion":
      return (
        "Fusion adds the scores of neighbours: of the cell beside this one and the patch beside " +
        "that one."
      );
  }
}

/** What a reader who does not see the cross is told. */
export function CrossSpoken() {
  const { questions } = useTools().session;
  const guess = questions.guess.value;
  const isCross = questions.question.value?.kind === "where" && Array.isArray(guess);
  return (
    <p class="ctx-live" role="status" aria-live="polite">
      {isCross && questions.isOpen.value ? `patch ${cell(guess[0], guess[1])}` : ""}
    </p>
  );
}

/** Below the background, whose map is hidden. */
export const AskedCaption = ({ asked }: { asked: Asked }) =>
  asked.guess ? (
    <>
      your guess: patch <b>{cell(...asked.guess)}</b>
    </>
  ) : (
    <>the map is hidden until you have answered</>
  );
