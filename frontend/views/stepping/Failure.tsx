// Under the line that failed: the shapes of what its names stand for, and why.
import type { Token } from "../../engine/python_tokens.ts";
import type { Recording } from "../../state/recording.ts";
import { shapeOf } from "./words.ts";

interface Label {
  readonly column: number;
  readonly text: string;
}

export function Failure({ recording, tokens }: { recording: Recording; tokens: readonly Token[] }) {
  const text = tokens.map((token) => token.text).join("");
  return (
    <div class="ctx-failure" role="alert">
      {rowsOf(labelsOf(recording, text)).map((row, i) => (
        <pre key={i}>{row}</pre>
      ))}
      <p>
        <b>This line failed:</b> {recording.error}
      </p>
    </div>
  );
}

/** The shape of each name of the line that stands for a tensor, at the name's column. */
function labelsOf(recording: Recording, text: string): Label[] {
  const locals = recording.steps.at(-1)?.locals ?? [];
  const labels: Label[] = [];
  for (const [name, value] of locals) {
    if (typeof value === "string") continue;
    const match = text.match(new RegExp(`(?<![\\p{L}\\p{N}_.])${name}(?![\\p{L}\\p{N}_])`, "u"));
    if (match?.index === undefined) continue;
    const shape = shapeOf(recording.values[value].about.shape);
    labels.push({ column: match.index, text: `${name}: ${shape}` });
  }
  return labels.sort((one, other) => one.column - other.column);
}

/** Labels at their columns; one that would run into the next stands a row lower. */
function rowsOf(labels: readonly Label[]): string[] {
  const rows: string[] = [];
  for (const { column, text } of labels) {
    const free = rows.findIndex((row) => row.length < column);
    const row = free < 0 ? rows.push("") - 1 : free;
    rows[row] = `${rows[row].padEnd(column)}${text}`;
  }
  return rows;
}
