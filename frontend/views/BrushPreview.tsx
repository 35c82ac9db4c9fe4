// How large the brush is, where it would paint.
import type { ReadonlySignal } from "@preact/signals";
import type { Place } from "../state/cursor.ts";
import type { ViewName } from "../state/scene.ts";
import { useTools } from "./context.ts";
import { percent, shapeOf } from "./overlays.tsx";
import { hasSize } from "./Palette.tsx";

interface BrushPreviewProps {
  view: ViewName;
  /** The pixel that is pointed at, by mouse, finger or keys. */
  pointer: ReadonlySignal<Place | null>;
}

/** A circle: pixels whose middle lies in it are painted. */
export function BrushPreview({ view, pointer }: BrushPreviewProps) {
  const { session, hands } = useTools();
  if (view !== hands.canvas || !hasSize(session.tool.value)) return null;
  if (!pointer.value) return null;
  const [row, column] = pointer.value;
  const [rows, cols] = shapeOf(view, session.scene.value);
  const size = session.brush.value;
  const place = `left: ${percent(column + 0.5, cols)}; top: ${percent(row + 0.5, rows)}`;
  return (
    <i
      class="ctx-brush"
      style={`${place}; width: ${percent(size, cols)}; height: ${percent(size, rows)}`}
    />
  );
}
