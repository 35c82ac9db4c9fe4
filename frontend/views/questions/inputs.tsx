// A slider for a share, a choice among cells or outputs; and the truth beside what was chosen.
import type { FusionQuestion, SharperQuestion } from "../../protocol.ts";
import type { Place } from "../../state/cursor.ts";
import type { SharperGap } from "../../state/gap.ts";
import type { Guess } from "../../state/questions.ts";
import { useTools } from "../context.ts";
import { cell, percent } from "../format.ts";

/** Enter answers, wherever a choice is made. */
function useEnter() {
  const { asker } = useTools().hands;
  return (event: KeyboardEvent) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    event.stopPropagation();
    asker.answer();
  };
}

const STEPS = 100;

export function Share() {
  const { session, hands } = useTools();
  const { questions } = session;
  const takeEnter = useEnter();
  const gap = hands.asker.gap.value;
  if (!questions.isOpen.value) return gap?.kind === "share" ? <Gauge {...gap} /> : null;
  const guess = Number(questions.guess.value);
  return (
    <label class="ctx-ask-share">
      <input
        type="range"
        min={0}
        max={STEPS}
        value={STEPS * guess}
        aria-label="share of the best match, in per cent"
        onInput={({ currentTarget }) => hands.asker.choose(currentTarget.valueAsNumber / STEPS)}
        onKeyDown={takeEnter}
      />
      <output>{percent(guess)}</output>
    </label>
  );
}

/** The truth as a bar from 0 to 100 %, the guess as a line across it. */
const Gauge = ({ guess, share }: { guess: number | null; share: number }) => (
  <div class="ctx-ask-gauge" role="img" aria-label={gaugeWords(guess, share)}>
    <span class="ctx-track">
      <span style={`width: ${100 * share}%`} />
    </span>
    {guess !== null && (
      <i style={`left: ${100 * guess}%`}>
        <small>yours {percent(guess)}</small>
      </i>
    )}
    <small class="ctx-ask-truth" style={`left: ${100 * share}%`}>
      the best {percent(share)}
    </small>
  </div>
);

const gaugeWords = (guess: number | null, share: number): string =>
  `the best gets ${percent(share)}${guess === null ? "" : `, you said ${percent(guess)}`}`;

interface Option {
  readonly guess: Guess;
  readonly words: string;
}

const optionsOf = (question: SharperQuestion | FusionQuestion): Option[] =>
  question.kind === "fusion"
    ? [
        { guess: "A", words: "A had the fusion" },
        { guess: "B", words: "B had the fusion" },
      ]
    : question.cells.map((at, i) => ({ guess: at, words: `${i + 1}: cell ${cell(...at)}` }));

export function Choices({ question }: { question: SharperQuestion | FusionQuestion }) {
  const { session, hands } = useTools();
  const { questions } = session;
  const takeEnter = useEnter();
  if (!questions.isOpen.value) return null;
  const chosen = JSON.stringify(questions.guess.value);
  return (
    <div class="ctx-ask-choices" role="radiogroup" aria-label="Your guess">
      {optionsOf(question).map(({ guess, words }, i) => (
        <label key={i} class="ctx-ask-choice" data-chosen={JSON.stringify(guess) === chosen}>
          <input
            type="radio"
            name="ctx-guess"
            data-guess={i}
            checked={JSON.stringify(guess) === chosen}
            onChange={() => hands.asker.choose(guess)}
            onKeyDown={takeEnter}
          />
          {words}
        </label>
      ))}
    </div>
  );
}

/** All cells with their numbers, in the order in which they were asked about. */
export function Changes({ gap }: { gap: SharperGap }) {
  const { cells, changes, scales, most, guess } = gap;
  return (
    <table class="ctx-ask-changes">
      <thead>
        <tr>
          <th scope="col">cell</th>
          <th scope="col">its best at {scales[0]}</th>
          <th scope="col">at {Number(scales[1].toPrecision(3))}</th>
          <th scope="col" colSpan={2}>
            weight that moves
          </th>
        </tr>
      </thead>
      <tbody>
        {changes.map(({ before, after, moved }, i) => (
          <tr key={i} data-most={i === most} data-guess={i === guess}>
            <th scope="row">
              <At number={i + 1} at={cells[i]} />
            </th>
            <td title={String(before)}>{percent(before)}</td>
            <td title={String(after)}>{percent(after)}</td>
            <td title={String(moved)}>{percent(moved)}</td>
            <td class="ctx-ask-bar">
              <span class="ctx-track">
                <span style={`width: ${100 * moved}%`} />
              </span>
              {i === guess && <small>yours</small>}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const At = ({ number, at }: { number: number; at: Place }) => (
  <>
    {number}: <var class="q">{cell(...at)}</var>
  </>
);
