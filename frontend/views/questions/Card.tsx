// A question in the place of sentence and strip; then what the guess came to.
import { useLayoutEffect, useRef } from "preact/hooks";
import type { QuestionData } from "../../protocol.ts";
import { useTools } from "../context.ts";
import { Button } from "../pieces.tsx";
import { rootOf } from "../root.ts";
import { Ask, CrossSpoken, hintOf } from "./Ask.tsx";
import { Beside } from "./Beside.tsx";
import { Gap } from "./Gap.tsx";
import { Choices, Share } from "./inputs.tsx";

export function Card() {
  const tools = useTools();
  const { session, hands } = tools;
  const { questions } = session;
  const { asker } = hands;
  const card = useRef<HTMLElement>(null);
  const hasStood = useRef(false);
  const question = questions.question.value;
  const at = questions.at.value ?? 0;
  const isOpen = questions.isOpen.value;
  const gap = asker.gap.value;
  const isBlank = gap?.kind === "nothing";
  // Who works with keys goes on where the question is answered, or to what comes next.
  useLayoutEffect(() => {
    const root = rootOf(tools);
    // What had the focus may be gone with the question: then nothing has it.
    const isLost = hasStood.current && document.activeElement === document.body;
    hasStood.current = true;
    if (isLost || root?.contains(document.activeElement))
      inputOf(root, card.current)?.focus({ preventScroll: true });
  }, [at, isOpen]);
  if (!question) return null;
  const count = questions.list.value.length;
  const name = `Question ${at + 1} of ${count}`;
  return (
    <section
      ref={card}
      class="ctx-ask"
      aria-label={name}
      data-kind={question.kind}
      data-open={isOpen}
    >
      <div class="ctx-ask-words">
        <p class="ctx-ask-count">
          <b>{name}</b>
          {isOpen && !isBlank && " · first your guess, then the map"}
          {!isOpen && questions.answer.value?.skipped && " · skipped"}
          {asker.isOtherRun.value &&
            " · settings have changed since: this is so for those on screen"}
        </p>
        <p class="ctx-story" role="status" aria-live="polite">
          {(isOpen && !isBlank) || !gap ? <Ask question={question} /> : <Gap gap={gap} />}
        </p>
        {isOpen && !isBlank && <p class="ctx-ask-hint">{hintOf(question, session)}</p>}
        {!isBlank && <Input question={question} />}
        <Steering isBlank={isBlank} isLast={at === count - 1} />
      </div>
      {!isBlank && <Beside />}
      <CrossSpoken />
    </section>
  );
}

/** Where the question on screen is answered; after that, what leads on. */
function inputOf(root: HTMLElement | undefined, card: HTMLElement | null): HTMLElement | null {
  const next = card?.querySelector<HTMLElement>('[data-do="next-question"]');
  const own = card?.querySelector<HTMLElement>("input:checked, input");
  const isOpen = card?.dataset.open === "true";
  if (!isOpen) return next ?? null;
  if (card?.dataset.kind !== "where") return own ?? next ?? null;
  return root?.querySelector<HTMLElement>('[aria-label="background"] .ctx-stack') ?? null;
}

function Input({ question }: { question: QuestionData }) {
  switch (question.kind) {
    case "where":
      return null; // the background is
    case "share":
      return <Share />;
    case "sharper":
    case "fusion":
      return <Choices question={question} />;
  }
}

function Steering({ isBlank, isLast }: { isBlank: boolean; isLast: boolean }) {
  const { session, hands } = useTools();
  const { questions } = session;
  const { asker } = hands;
  const isOpen = questions.isOpen.value;
  const at = questions.at.value ?? 0;
  const isReady = questions.guess.value !== null && asker.canAnswer;
  return (
    <div class="ctx-ask-steering">
      {isOpen && !isBlank && (
        <>
          <Button
            name="answer"
            help="Answers with what is chosen; then the truth is drawn beside it."
            class="ctx-chip ctx-primary"
            isDisabled={!isReady}
            onClick={() => asker.answer()}
          >
            Answer
          </Button>
          <Button
            name="skip"
            help="Goes on without an answer. Nothing is scored, and nothing is sent."
            onClick={() => asker.skip()}
          >
            Skip <kbd>X</kbd>
          </Button>
        </>
      )}
      {(!isOpen || isBlank) && (
        <Button
          name="next-question"
          help={isLast ? "Ends the questions." : "Goes on to the next question."}
          class="ctx-chip ctx-primary"
          onClick={() => (isOpen ? asker.skip() : asker.next())}
        >
          {isLast ? "Look around" : "Next question"} <kbd>N</kbd>
        </Button>
      )}
      {at > 0 && (
        <Button
          name="last-gap"
          help="Looks at the question before once more, and at what was answered."
          onClick={() => asker.back()}
        >
          Back <kbd>P</kbd>
        </Button>
      )}
    </div>
  );
}
