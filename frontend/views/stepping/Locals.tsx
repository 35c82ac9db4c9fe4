// The variables as they stood before the step; those that have changed say so.
import type { Recording } from "../../state/recording.ts";
import { useStepping } from "./context.ts";
import { Small } from "./Operands.tsx";
import { oddOf, rangeOf, shapeOf } from "./words.ts";

export function Locals() {
  const stepping = useStepping();
  const recording = stepping.recording.value;
  const step = stepping.step.value;
  if (!recording || !step) return null;
  return (
    <section class="ctx-locals" aria-label="Variables before this step">
      <h3>
        Variables <small>before this step</small>
      </h3>
      {step.locals.length === 0 && <p>none yet</p>}
      <ul>
        {step.locals.map(([name, value]) => (
          <Local
            key={name}
            name={name}
            value={value}
            recording={recording}
            isChanged={step.changed.includes(name)}
          />
        ))}
      </ul>
    </section>
  );
}

interface LocalProps {
  name: string;
  value: number | string;
  recording: Recording;
  isChanged: boolean;
}

function Local({ name, value, recording, isChanged }: LocalProps) {
  const stepping = useStepping();
  const changed = isChanged && <span class="ctx-changed">● changed</span>;
  if (typeof value === "string") {
    return (
      <li data-local={name} data-changed={isChanged}>
        <span class="ctx-small" />
        <code>{name}</code>
        <span class="ctx-short-value" title={value}>
          {value}
        </span>
        {changed}
      </li>
    );
  }
  const tensor = recording.values[value];
  const odd = oddOf(tensor.about);
  return (
    <li data-local={name} data-changed={isChanged}>
      <Small value={tensor} />
      <button
        type="button"
        class="ctx-link"
        aria-pressed={stepping.value.value === tensor}
        title={`Look at ${name}`}
        onClick={() => stepping.lookAt(value)}
      >
        <code>{name}</code>
      </button>
      <span class="ctx-short-value">
        {shapeOf(tensor.about.shape)} · {rangeOf(tensor.about)}
        {odd && <span class="ctx-warn"> ⚠ {odd}</span>}
      </span>
      {changed}
    </li>
  );
}
