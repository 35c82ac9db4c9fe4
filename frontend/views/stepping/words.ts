// A step, a value and an element in words.
import type { Index } from "../../engine/tensor.ts";
import type { StepData, ValueData } from "../../protocol.ts";
import type { Recording, Value } from "../../state/recording.ts";
import { digits } from "../format.ts";

/** "1 × 4096"; of a single number "one number". */
export const shapeOf = (shape: Index): string => shape.join(" × ") || "one number";

/** "h 64 × w 64 × L 4096": a name before each length, where it is known. */
export function namedShape({ axes, shape }: ValueData): string {
  if (!shape.length) return "one number";
  const lengths = shape.map((length, i) => {
    const name = axes[i] ?? "?";
    return name === "?" || name === "1" || name === String(length)
      ? `${length}`
      : `${name} ${length}`;
  });
  return lengths.join(" × ");
}

/** "−5.19 … 5.20" */
export function rangeOf({ minimum, maximum }: ValueData): string {
  if (minimum === null || maximum === null) return "nothing finite";
  return minimum === maximum ? digits(minimum) : `${digits(minimum)} … ${digits(maximum)}`;
}

/** "2 NaN, 1 infinite"; "" where all is finite. */
export function oddOf({ nan, infinite }: ValueData): string {
  const words: string[] = [];
  if (nan) words.push(`${nan} NaN`);
  if (infinite) words.push(`${infinite} infinite`);
  return words.join(", ");
}

/** What a value is called: its name, else the expression that made it. */
export function titleOf(recording: Recording, value: Value): string {
  if (value.about.name) return value.about.name;
  const maker = recording.makers.get(value.number);
  return maker === undefined ? `value ${value.number}` : recording.steps[maker].expression;
}

/** "[0, 12]"; nothing for the only number of a tensor. */
export const subscript = (index: Index): string => (index.length ? `[${index.join(", ")}]` : "");

/** What a screen reader says at a step. */
export function spoken(recording: Recording, at: number): string {
  const step = recording.steps[at];
  if (!step) return "";
  const place = `step ${at + 1} of ${recording.steps.length}`;
  if (step.gap) return `${place}: ${step.gap}`;
  const value = recording.madeAt(at);
  if (!value) return `${place}: ${oneLine(step)}`;
  const { about } = value;
  const odd = oddOf(about);
  const range = rangeOf(about).replace(" … ", " to ");
  return `${place}: ${oneLine(step)}, ${shapeOf(about.shape)}, ${range}${odd && `, ${odd}`}`;
}

/** An expression that stands on several lines, on one. */
export const oneLine = ({ expression }: Pick<StepData, "expression">): string =>
  expression.replaceAll(/\s+/g, " ");
