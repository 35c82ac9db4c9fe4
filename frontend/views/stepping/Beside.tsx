// The same thing said four times, side by side.
import type { BesideData } from "../../protocol.ts";

const TITLES: readonly (readonly [keyof BesideData, string])[] = [
  ["equation", "equation"],
  ["paper", "the paper’s words"],
  ["original", "TensorFlow original"],
  ["torch", "PyTorch"],
];

export function Beside({ beside }: { beside: BesideData }) {
  const columns = TITLES.filter(([name]) => beside[name]);
  if (!columns.length) return null;
  return (
    <dl class="ctx-beside">
      {columns.map(([name, title]) => (
        <div key={name} data-beside={name}>
          <dt>{title}</dt>
          <dd>{name === "paper" ? beside.paper : <code>{beside[name]}</code>}</dd>
        </div>
      ))}
    </dl>
  );
}
