// What the step made: drawn, in numbers, and how one element of it came about.
import type { Face } from "../../state/face.ts";
import { cell, digits } from "../format.ts";
import { Arithmetic } from "./Arithmetic.tsx";
import { useStepping } from "./context.ts";
import { Drawing } from "./Drawing.tsx";
import { FreeAxes } from "./FreeAxes.tsx";
import { Operands } from "./Operands.tsx";
import { namedShape, oddOf, oneLine, rangeOf, subscript, titleOf } from "./words.ts";

/** @param isAlone whether there is no code beside it. */
export function Values({ isAlone }: { isAlone: boolean }) {
  const stepping = useStepping();
  const recording = stepping.recording.value;
  const step = stepping.step.value;
  const value = stepping.value.value;
  if (!recording) return null;
  const isLast = stepping.at.value === recording.steps.length - 1;
  const isFailure = recording.error !== null && isLast;
  return (
    <section class="ctx-made" aria-label="What this step made">
      <header>
        <code class="ctx-expression">
          {value && (stepping.isAside.value || !step)
            ? titleOf(recording, value)
            : step && oneLine(step)}
        </code>
        {stepping.isAside.value && <Aside />}
      </header>
      {step?.gap && !stepping.isAside.value && (
        <p class={isFailure ? "ctx-gap-words ctx-failed" : "ctx-gap-words"}>
          {isFailure ? "The run stopped here. What it was given:" : step.gap}
        </p>
      )}
      {value ? <Facts /> : !step?.gap && <p>This step made no tensor.</p>}
      <div class="ctx-made-body">
        {value && <Drawing tallest={isAlone ? 480 : 272} />}
        <Operands />
      </div>
      {value && (
        <>
          <FreeAxes />
          <Element />
        </>
      )}
    </section>
  );
}

/** Another value than the step's is looked at: the way back, and to where it was made. */
function Aside() {
  const stepping = useStepping();
  const recording = stepping.recording.value;
  const value = stepping.value.value;
  const maker = value ? recording?.makers.get(value.number) : undefined;
  return (
    <span class="ctx-aside">
      {value && maker !== undefined && (
        <button
          type="button"
          class="ctx-chip"
          data-do="go-to-maker"
          onClick={() => stepping.goToMaker(value.number)}
        >
          made at step {maker + 1}
        </button>
      )}
      <button
        type="button"
        class="ctx-chip"
        data-do="look-back"
        onClick={() => stepping.stand(stepping.at.value)}
      >
        back to this step’s value
      </button>
    </span>
  );
}

function Facts() {
  const value = useStepping().value.value;
  if (!value) return null;
  const { about } = value;
  const odd = oddOf(about);
  return (
    <p class="ctx-facts-of-value">
      <b data-shape={about.shape.join()}>{namedShape(about)}</b> · {about.dtype}
      {about.device !== "cpu" && `, ${about.device}`} ·{" "}
      <span title={`${about.minimum} … ${about.maximum}`}>{rangeOf(about)}</span>
      {odd && <span class="ctx-warn"> · ⚠ {odd}</span>}
      {about.reading && <span class="ctx-reading"> · {about.reading}</span>}
    </p>
  );
}

/** On a map, which cell or patch an element is of. */
function placeWords({ value, layout, through }: Face): string {
  const { picture, grid } = value.about;
  if (grid?.[0] !== layout.rows || grid[1] !== layout.cols) return "";
  const place = cell(...layout.placeOf(through));
  if (picture === "background") return `patch ${place}`;
  return picture === "foreground" ? `cell ${place}` : "";
}

/** The chosen element: where it stands, its number, and its arithmetic. */
function Element() {
  const stepping = useStepping();
  const recording = stepping.recording.value;
  const value = stepping.value.value;
  const index = stepping.element.value;
  const face = stepping.face.value;
  if (!recording || !value) return null;
  const number = value.tensor.at(index);
  const name = value.about.name ?? "";
  const place = face && placeWords(face);
  return (
    <div class="ctx-element">
      <p class="ctx-readout">
        <code>
          {name}
          {subscript(index)}
        </code>
        {place && <span class="ctx-reading">, {place},</span>}
        {" = "}
        {number === null ? (
          "not kept in this page"
        ) : (
          <b data-element={index.join()} title={String(number)}>
            {digits(number)}
          </b>
        )}
      </p>
      <Arithmetic />
    </div>
  );
}
