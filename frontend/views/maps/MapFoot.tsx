// Below the picture that a map of doubt lies over: what it says, and the way to its worst places.
import type { MapName } from "../../generated/maps.ts";
import { type DoubtMap, gridOf } from "../../state/maps.ts";
import type { Scene, ViewName } from "../../state/scene.ts";
import { useTools } from "../context.ts";
import { cell } from "../format.ts";
import { Step } from "../pieces.tsx";
import { Ramp } from "../Ramp.tsx";
import { placeOf, viewOf } from "./over.ts";
import { MAP_WORDS } from "./words.ts";
import { stepsOfWalk, walkWorst } from "./worst.ts";

interface OfView {
  view: ViewName;
}

export function MapCaption({ scene, doubt }: { scene: Scene; doubt: DoubtMap }) {
  const { attention } = scene;
  const place = placeOf(scene, doubt);
  const { label } = MAP_WORDS[doubt.name];
  if (place < 0) return <>{label}</>;
  const isQuery = doubt.grid === "query";
  const at = isQuery ? attention.place(place) : attention.cellOf(place);
  return (
    <>
      <b class={isQuery ? "ctx-word-query" : "ctx-word-match"}>
        {isQuery ? "query" : "patch"} {cell(...at)}
      </b>
      : <Value doubt={doubt} place={place} />
    </>
  );
}

function Value({ doubt, place }: { doubt: DoubtMap; place: number }) {
  const value = doubt.values[place];
  if (!doubt.isDone(place)) return <span>not made yet</span>;
  if (Number.isNaN(value)) return <span>no match</span>;
  return (
    <span data-map-value title={String(value)}>
      {MAP_WORDS[doubt.name].say(value)}
    </span>
  );
}

export function MapLegend({ scene, doubt }: { scene: Scene; doubt: DoubtMap }) {
  const { values, range, name, isDone } = doubt;
  const place = placeOf(scene, doubt);
  const value = place >= 0 && isDone(place) ? values[place] : null;
  const { short, label } = MAP_WORDS[name];
  return <Ramp range={range} title={`the colours span ${label}`} words={short} value={value} />;
}

export function MapFoot({ view }: OfView) {
  const tools = useTools();
  const { session } = tools;
  const name = session.map.value;
  if (!name || viewOf({ grid: gridOf(name) }) !== view) return null;
  const { meaning, worst } = MAP_WORDS[name];
  return (
    <div class="ctx-map">
      <p>
        {meaning} {worst}
      </p>
      <Making name={name} />
      <Steps />
    </div>
  );
}

/** How far it is, while it is made. */
function Making({ name }: { name: MapName }) {
  const { session, kernel } = useTools();
  const { mapProgress, progress, doubt } = session;
  if (name === "error" && !doubt.value) {
    const isComing = progress.value !== null;
    return (
      <small>{isComing ? "follows the output" : "there is no output of these settings"}</small>
    );
  }
  if (session.run.remote && !doubt.value) {
    return <small>its rows stay with the kernel: trace.map makes it</small>;
  }
  const share = mapProgress.value;
  if (share === null) return null;
  return (
    <span class="ctx-adding">
      <progress aria-label="the map is being made" value={share} />{" "}
      {`${Math.round(100 * share)} % `}
      <button
        type="button"
        class="ctx-link"
        data-do="stop-map"
        onClick={() => kernel.maps.cancel()}
      >
        Stop
      </button>
    </span>
  );
}

/** From one of the worst places to the next. */
function Steps() {
  const tools = useTools();
  const { doubt } = tools.session;
  if (!doubt.value?.isWhole) return null;
  return (
    <span class="ctx-walk">
      <Step label="Previous worst" icon="back" onClick={() => walkWorst(tools, -1)} />
      <small>{stepsOfWalk(tools)}</small>
      <Step label="Next worst" icon="next" onClick={() => walkWorst(tools, 1)} />
    </span>
  );
}
