// What lies over a picture: boxes and arrows, in its pixels.
import type { ReadonlySignal } from "@preact/signals";
import type { Scene, ViewName } from "../state/scene.ts";
import { stepOf } from "../steps/index.ts";
import type { Arrow, Mark } from "../steps/step.ts";
import { fitted } from "./canvas.ts";
import { useTools } from "./context.ts";
import { withLabels } from "./labels.ts";
import { linkArrows, marksOf } from "./marks.ts";
import { gapArrows } from "./questions/marks.ts";
import type { Width } from "./width.ts";

interface OfView {
  view: ViewName;
}

/** Rows and columns of a picture, in pixels. */
export function shapeOf(view: ViewName, { run }: Scene): readonly [rows: number, cols: number] {
  const { H, W, Hb, Wb } = run.inputs;
  return view === "background" ? [Hb, Wb] : [H, W];
}

/** A part of a picture's width or height, as CSS has it. */
export const percent = (value: number, size: number): string =>
  `${((100 * value) / size).toFixed(3)}%`;

/** Boxes with their labels, `scale` CSS pixels in a pixel of the picture. */
export function labelledMarks(view: ViewName, scene: Scene, scale: number): readonly Mark[] {
  const marks = marksOf(view, scene);
  if (!marks.some(({ label }) => label)) return marks;
  const [rows, cols] = shapeOf(view, scene);
  return withLabels(marks, arrowsOf(view, scene), { rows, cols, scale });
}

interface MarksProps extends OfView {
  /** How wide the picture may be. */
  room: ReadonlySignal<Width>;
}

export function Marks({ view, room }: MarksProps) {
  const { session } = useTools();
  const scene = session.scene.value;
  const [rows, cols] = shapeOf(view, scene);
  const { pixels, ratio } = room.value;
  const { width: across } = fitted(rows, cols, scene.run.config.rate, pixels);
  return (
    <div class="ctx-marks">
      {labelledMarks(view, scene, across / ratio / cols).map((mark, i) => {
        const { kind, label = "", labelAt } = mark;
        const [y, x, height, width] = mark.box;
        const [labelDown, labelRight] = labelAt ?? [0, 0];
        const left = percent(x + width / 2, cols);
        const top = percent(y + height / 2, rows);
        const size = `width: ${percent(width, cols)}; height: ${percent(height, rows)}`;
        return (
          <i
            key={i}
            class={kind}
            data-label={label}
            style={
              `left: ${left}; top: ${top}; ${size};` +
              `--down: ${labelDown.toFixed(1)}px; --right: ${labelRight.toFixed(1)}px`
            }
          />
        );
      })}
    </div>
  );
}

/** All arrows over a picture. */
export function arrowsOf(view: ViewName, scene: Scene): readonly Arrow[] {
  if (scene.gradientMaps) return [];
  const ofStep = stepOf(scene.stage).arrows?.(view, scene) ?? [];
  return [...ofStep, ...linkArrows(view, scene), ...gapArrows(view, scene)];
}

export function Arrows({ view }: OfView) {
  const { session } = useTools();
  const scene = session.scene.value;
  const [rows, cols] = shapeOf(view, scene);
  const arrows = arrowsOf(view, scene);
  return (
    <svg class="ctx-arrows" aria-hidden="true" viewBox={`0 0 ${cols} ${rows}`}>
      <defs>
        <marker
          id="ctx-head"
          viewBox="0 0 6 6"
          refX="5"
          refY="3"
          markerWidth="5"
          markerHeight="5"
          orient="auto"
        >
          <path d="M0 0L6 3L0 6Z" />
        </marker>
      </defs>
      <g>
        {arrows.map((arrow, i) => (
          <path key={i} class={arrow.kind} d={lineOf(arrow)} />
        ))}
      </g>
    </svg>
  );
}

const lineOf = ({ from, to }: Arrow): string => `M${from[1]} ${from[0]}L${to[1]} ${to[0]}`;
