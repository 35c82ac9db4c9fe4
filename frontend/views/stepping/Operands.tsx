// What the step was given, small; a click looks at it.
import { useLayoutEffect, useRef } from "preact/hooks";
import { faceOf, firstIndex } from "../../state/face.ts";
import type { Value } from "../../state/recording.ts";
import { useStepping, useSteppingTools } from "./context.ts";
import { shapeOf, titleOf } from "./words.ts";

export function Operands() {
  const stepping = useStepping();
  const recording = stepping.recording.value;
  const step = stepping.step.value;
  if (!recording || !step?.operands.length) return null;
  return (
    <ul class="ctx-operands" aria-label={`What went into ${step.operation}`}>
      {step.operands.map((operand, i) => (
        <li key={i}>
          {typeof operand === "string" ? (
            <code class="ctx-written">{operand}</code>
          ) : (
            <Operand value={recording.values[operand]} />
          )}
        </li>
      ))}
    </ul>
  );
}

function Operand({ value }: { value: Value }) {
  const stepping = useStepping();
  const recording = stepping.recording.value;
  if (!recording) return null;
  const title = titleOf(recording, value);
  const isLookedAt = stepping.value.value === value;
  return (
    <button
      type="button"
      class="ctx-operand"
      data-value={value.number}
      aria-pressed={isLookedAt}
      title={`Look at ${title}`}
      onClick={() => stepping.lookAt(value.number)}
    >
      <Small value={value} />
      <span>
        <code>{title}</code>
        <small>{shapeOf(value.about.shape)}</small>
      </span>
    </button>
  );
}

const SIDE = 48; // CSS pixels

/** A value's picture, drawn when it is another value. */
export function Small({ value }: { value: Value }) {
  const { stepping, bitmaps } = useSteppingTools();
  const canvas = useRef<HTMLCanvasElement>(null);
  const { surroundings } = stepping;
  const around = surroundings.value;
  useLayoutEffect(() => {
    const { current } = canvas;
    if (!current) return;
    const face = faceOf(value, firstIndex(value), around);
    const ratio = window.devicePixelRatio;
    const scale = Math.min(SIDE / face.rows, SIDE / face.cols, SIDE / 4);
    const width = Math.max(4, Math.round(face.cols * scale));
    const height = Math.max(4, Math.round(face.rows * scale));
    current.style.width = `${width}px`;
    current.style.height = `${height}px`;
    current.width = Math.round(width * ratio);
    current.height = Math.round(height * ratio);
    bitmaps.draw(current, face, around.look);
  }, [value, around, bitmaps]);
  return (
    <span class="ctx-small">
      <canvas ref={canvas} />
    </span>
  );
}
