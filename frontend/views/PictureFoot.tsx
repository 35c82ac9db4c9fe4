// Below a picture: what it shows of this cell, and between which numbers its colours lie.
import type { ViewName } from "../state/scene.ts";
import { Caption, Legend } from "./captions.tsx";
import { useTools } from "./context.ts";
import { MapFoot } from "./maps/MapFoot.tsx";
import { BrushSize, hasSize } from "./Palette.tsx";

export function PictureFoot({ view }: { view: ViewName }) {
  const { session, hands } = useTools();
  const isPainted = view === hands.canvas;
  const showsSize = isPainted && hasSize(session.tool.value);
  return (
    <footer class="ctx-below-picture">
      {showsSize ? (
        <BrushSize />
      ) : (
        <p class="ctx-caption">
          <Caption view={view} />
        </p>
      )}
      <div class="ctx-legend">
        <Legend view={view} />
      </div>
      {isPainted && <Leak />}
      <MapFoot view={view} />
    </footer>
  );
}

/** A stroke too thin for the shrinking is lost. It takes no height: nothing moves under a brush. */
function Leak() {
  const { leaks } = useTools().session.attention;
  const pixels = leaks === 1 ? "1 pixel" : `${leaks} pixels`;
  return (
    <p
      class="ctx-leak ctx-warn"
      role="status"
      hidden={!leaks}
      title="No cell keeps so thin a part of the hole: it lies in patches that may be pasted."
    >
      ⚠ Shrinking loses {pixels} of the hole
    </p>
  );
}
