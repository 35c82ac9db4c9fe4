// How the chosen element came about: its terms, each a way to where it comes from.
import { useState } from "preact/hooks";
import { arithmeticOf } from "../../engine/arithmetic/arithmetic.ts";
import type { Part, Term } from "../../engine/arithmetic/parts.ts";
import type { StepData } from "../../protocol.ts";
import type { Recording, Value } from "../../state/recording.ts";
import { digits } from "../format.ts";
import { Link } from "../numbers.tsx";
import { useStepping } from "./context.ts";
import { subscript, titleOf } from "./words.ts";

const FEW = 6; // terms that are read
const MOST = 300; // terms that are shown at all

export function Arithmetic() {
  const stepping = useStepping();
  const recording = stepping.recording.value;
  const value = stepping.value.value;
  const index = stepping.element.value;
  const maker = value && recording?.makers.get(value.number);
  if (!recording || !value) return null;
  if (maker === undefined || maker === null) {
    return recording.steps.length ? <p class="ctx-arithmetic">It was given.</p> : null;
  }
  const step = recording.steps[maker];
  const number = value.tensor.at(index);
  const operands = step.operands.map((operand) =>
    typeof operand === "string" ? operand : recording.values[operand].tensor,
  );
  const arithmetic =
    number === null
      ? null
      : arithmeticOf(step.operation, operands, value.about.shape, index, number);
  if (!arithmetic) {
    const isWhole = operands.every((operand) => typeof operand === "string" || operand.isWhole);
    return <MadeBy recording={recording} step={step} isWhole={isWhole} />;
  }
  const { words, terms, join, divisor, result } = arithmetic;
  return (
    <div class="ctx-arithmetic" data-result={result} data-terms={terms.length}>
      {words && <span class="ctx-arithmetic-words">{words} </span>}
      <Terms terms={terms} join={join} step={step} hasBrackets={divisor !== null} />
      {divisor !== null && (
        <>
          {" ÷ "}
          <span title={String(divisor)}>{digits(divisor)}</span>
        </>
      )}
      {" = "}
      <b title={String(result)}>{digits(result)}</b>
    </div>
  );
}

interface TermsProps {
  terms: readonly Term[];
  join: string;
  step: StepData;
  hasBrackets: boolean;
}

function Terms({ terms, join, step, hasBrackets }: TermsProps) {
  const [isOpen, setOpen] = useState(false);
  const shown = terms.slice(0, isOpen ? MOST : FEW);
  const rest = terms.length - shown.length;
  // A number that was only moved is known by its place alone.
  const isMoved = terms.length === 1 && terms[0].parts.length === 1;
  return (
    <>
      {hasBrackets && "("}
      {shown.map((term, i) => (
        <span key={i} class="ctx-summand">
          {i > 0 && ` ${join} `}
          {term.parts.map((part, j) => (
            <span key={j}>
              {j > 0 && ` ${term.sign} `}
              {terms.length === 1 && <PartName part={part} step={step} isMoved={isMoved} />}
              <PartNumber part={part} step={step} />
            </span>
          ))}
        </span>
      ))}
      {terms.length > FEW && (
        <>
          {rest > 0 && ` ${join} … `}
          <button
            type="button"
            class="ctx-link"
            data-do="terms"
            aria-expanded={isOpen}
            onClick={() => setOpen(!isOpen)}
          >
            {isOpen ? "fewer" : `${rest} more`}
          </button>
        </>
      )}
      {hasBrackets && ")"}
    </>
  );
}

/** What a number is, where there is room to say so. */
function PartName({ part, step, isMoved }: { part: Part; step: StepData; isMoved: boolean }) {
  const recording = useStepping().recording.value;
  const number = part.operand === null ? null : step.operands[part.operand];
  if (!recording || typeof number !== "number") return null;
  const { name } = recording.values[number].about;
  if (!name && !isMoved) return null;
  return (
    <code class="ctx-part">
      {name}
      {subscript(part.index)}{" "}
    </code>
  );
}

/** A number that goes in; it leads to the operand that it stands in. */
function PartNumber({ part, step }: { part: Part; step: StepData }) {
  const stepping = useStepping();
  const recording = stepping.recording.value;
  const number = part.operand === null ? null : step.operands[part.operand];
  if (!recording || typeof number !== "number") {
    return <span title={String(part.value)}>{bracketed(part.value)}</span>;
  }
  const name = titleOf(recording, recording.values[number]);
  return (
    <Link
      title={`${name}${subscript(part.index)}: ${part.value}`}
      onClick={() => stepping.lookAt(number, part.index)}
    >
      {bracketed(part.value)}
    </Link>
  );
}

const bracketed = (value: number): string => (value < 0 ? `(${digits(value)})` : digits(value));

interface MadeByProps {
  recording: Recording;
  step: StepData;
  isWhole: boolean;
}

function MadeBy({ recording, step, isWhole }: MadeByProps) {
  const names = step.operands.map((operand) =>
    typeof operand === "string" ? operand : nameOf(recording, recording.values[operand]),
  );
  return (
    <p class="ctx-arithmetic">
      made by <code>{step.operation}</code>
      {names.length > 0 && (
        <>
          {" "}
          of <code>{names.join(", ")}</code>
        </>
      )}
      {isWhole
        ? "; how one of its elements comes about is not written out here"
        : "; of what is large only a part was kept, not what this element is made of"}
    </p>
  );
}

const nameOf = (recording: Recording, value: Value): string => titleOf(recording, value);
