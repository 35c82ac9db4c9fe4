// The gradient lens: what one output pixel, or one pasted patch, teaches f and b. The maps lie over
// these; here stands why they are as they are.
import { useLayoutEffect, useRef } from "preact/hooks";
import { extremes } from "../../engine/numbers.ts";
import type { Place } from "../../state/cursor.ts";
import { lineOf } from "../../state/lens.ts";
import type { HeatMap } from "../../state/scene.ts";
import { type Tools, useTools } from "../context.ts";
import { cell } from "../format.ts";
import { useHint } from "../hints.ts";
import { Icon } from "../icons.tsx";
import { Num } from "../numbers.tsx";

/** G opens and closes it, Escape closes it. Whether a key was one of these. */
export function takeLensKey({ kernel, session }: Tools, event: KeyboardEvent): boolean {
  const { key, target, ctrlKey, metaKey, altKey } = event;
  if (ctrlKey || metaKey || altKey) return false;
  if ((target as Element).closest?.("select, textarea, input")) return false;
  if (key === "Escape" && session.showsGradient.value) kernel.lens.close();
  else if (key.toLowerCase() === "g") kernel.lens.toggle();
  else return false;
  return true;
}

export function LensButton() {
  const { kernel } = useTools();
  const hint = useHint("How this output pixel, or what this query pastes, follows f and b.");
  return (
    <button
      type="button"
      class="ctx-chip"
      data-do="gradient"
      aria-keyshortcuts="g"
      onClick={() => kernel.lens.toggle()}
      {...hint}
    >
      Gradient
    </button>
  );
}

export function LensPanel() {
  const { session, kernel } = useTools();
  const { lens } = kernel;
  const panel = useRef<HTMLElement>(null);
  // It takes the focus from the button, which goes, and gives it back.
  useLayoutEffect(() => {
    panel.current?.focus({ preventScroll: true });
  }, []);
  const gradient = session.gradient.value;
  return (
    <section class="ctx-inspector ctx-lens" aria-label="Gradient" tabIndex={-1} ref={panel}>
      <header>
        <h3>Gradient</h3>
        {gradient && <span class="ctx-lens-of">y is {gradient.of}</span>}
        <button
          type="button"
          class="ctx-tool"
          data-do="close-gradient"
          aria-label="Close the gradient"
          title="Close the gradient (g)"
          onClick={() => lens.close()}
        >
          <Icon name="close" />
        </button>
      </header>
      <div role="status">
        {lens.waiting.value && <p class="ctx-waiting">{lens.waiting.value}</p>}
        {lens.lack.value && <Lack reason={lens.lack.value} />}
        {gradient && <p class="ctx-lens-sentence">{gradient.sentence}</p>}
      </div>
      <Numbers />
    </section>
  );
}

function Lack({ reason }: { reason: string }) {
  const { session } = useTools();
  return (
    <p>
      {reason} {session.alone && <code>{lineOf(session)}</code>}
    </p>
  );
}

/** y, and each of the two maps in numbers. */
function Numbers() {
  const { session } = useTools();
  const { gradient, channel } = session;
  const { gradientMaps } = session.scene.value;
  if (!gradient.value || !gradientMaps) return null;
  const which = channel.value === null ? "all channels moved together" : `channel ${channel.value}`;
  return (
    <>
      <table>
        <thead>
          <tr>
            <th />
            <th>least</th>
            <th>most</th>
            <th>Σ |…|</th>
            <th>at the mouse</th>
          </tr>
        </thead>
        <tbody>
          <Row name="f" map={gradientMaps.f} />
          <Row name="b" map={gradientMaps.b} />
        </tbody>
      </table>
      <p class="ctx-lens-note">
        y = {gradient.value.value === null ? "NaN" : <Num value={gradient.value.value} />}. The
        numbers are of {which}. Where the picture shows, they are under 1 % of the largest.
      </p>
    </>
  );
}

function Row({ name, map }: { name: "f" | "b"; map: HeatMap }) {
  const pointed = useTools().session.pointed.value;
  const { least, most } = endsOf(map);
  const sum = Array.from(map.values).reduce((total, value) => total + Math.abs(value), 0);
  const isHere = pointed?.view === (name === "f" ? "foreground" : "background");
  return (
    <tr>
      <th>∂y/∂{name}</th>
      <td>
        <Here map={map} at={least} />
      </td>
      <td>
        <Here map={map} at={most} />
      </td>
      <td>
        <Num value={sum} />
      </td>
      <td data-pointed={name}>{isHere && <Here map={map} at={pointed.at} />}</td>
    </tr>
  );
}

/** The places of the least and of the largest number. */
function endsOf({ values, cols }: HeatMap): { least: Place; most: Place } {
  const [low, high] = extremes(values);
  const placeOf = (value: number): Place => {
    const i = Math.max(0, Array.prototype.indexOf.call(values, value));
    return [Math.floor(i / cols), i % cols];
  };
  return { least: placeOf(low), most: placeOf(high) };
}

const Here = ({ map, at: [row, column] }: { map: HeatMap; at: Place }) => (
  <>
    <Num value={map.values[row * map.cols + column]} /> at {cell(row, column)}
  </>
);
