// An element of einsum: the sum over the letters that are not in the result.
import { type Index, type Tensor, unravel } from "../tensor.ts";
import { type Arithmetic, isTensor, type Operand, type Part, partOf, type Term } from "./parts.ts";

/** More than anybody reads, and than is quickly added up. */
const MOST = 70_000;

/** The letters of each operand and of the result; null for what has an ellipsis. */
function lettersOf(equation: string): { inputs: string[]; output: string } | null {
  const plain = equation.replaceAll(/['"\s]/g, "");
  if (!/^[a-zA-Z,]+(?:->[a-zA-Z]*)?$/.test(plain)) return null;
  const [left, right] = plain.split("->");
  const all = [...left.replaceAll(",", "")].sort();
  const once = all.filter((letter) => all.filter((other) => other === letter).length === 1);
  return { inputs: left.split(","), output: right ?? once.join("") };
}

/** How long the axis of each letter is. */
function lengthsOf(inputs: readonly string[], tensors: readonly Tensor[]): Map<string, number> {
  const lengths = new Map<string, number>();
  inputs.forEach((letters, which) => {
    [...letters].forEach((letter, axis) => {
      const length = tensors[which].shape[axis];
      if ((lengths.get(letter) ?? 1) === 1) lengths.set(letter, length);
    });
  });
  return lengths;
}

export function einsum(operands: readonly Operand[], index: Index): Arithmetic | null {
  const equation = operands[0];
  const tensors = operands.slice(1).filter(isTensor);
  const letters = typeof equation === "string" ? lettersOf(equation) : null;
  if (!letters || letters.inputs.length !== tensors.length) return null;
  const { inputs, output } = letters;
  if (inputs.some((each, which) => each.length !== tensors[which].shape.length)) return null;
  const lengths = lengthsOf(inputs, tensors);
  const summed = [...lengths.keys()].filter((letter) => !output.includes(letter));
  const shape = summed.map((letter) => lengths.get(letter) ?? 1);
  const count = shape.reduce((product, length) => product * length, 1);
  if (count > MOST) return null;
  const terms: Term[] = [];
  for (let i = 0; i < count; i++) {
    const along = unravel(i, shape);
    const placeOf = (letter: string): number => {
      const axis = output.indexOf(letter);
      return axis < 0 ? along[summed.indexOf(letter)] : index[axis];
    };
    const parts: Part[] = [];
    for (const [which, { shape: own }] of tensors.entries()) {
      const at = [...inputs[which]].map((letter, axis) => (own[axis] === 1 ? 0 : placeOf(letter)));
      const part = partOf(operands, which + 1, at);
      if (!part) return null;
      parts.push(part);
    }
    const value = parts.reduce((product, part) => product * part.value, 1);
    terms.push({ parts, sign: "·", value });
  }
  const noun = tensors.length === 1 ? "number" : "product";
  return {
    words: `sum of ${count} ${noun}${count === 1 ? "" : "s"}`,
    terms,
    join: "+",
    divisor: null,
    result: terms.reduce((sum, { value }) => sum + value, 0),
  };
}
