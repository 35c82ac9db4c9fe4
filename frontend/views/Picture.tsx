// One picture: a canvas, the hole hatched over it, outlines and arrows above. It lies on a mat that
// takes up what whole device pixels leave of its column.
import { effect, useComputed, useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { clamp } from "../engine/numbers.ts";
import type { Place } from "../state/cursor.ts";
import { placeAfter } from "../state/places.ts";
import type { ViewName } from "../state/scene.ts";
import { BrushPreview } from "./BrushPreview.tsx";
import { fitted, PictureCanvas } from "./canvas.ts";
import { heatOf } from "./captions.tsx";
import { useTools } from "./context.ts";
import { bitsOf, strikeOut } from "./hatch.ts";
import type { Images } from "./images.ts";
import { Arrows, Marks } from "./overlays.tsx";
import { PictureFoot } from "./PictureFoot.tsx";
import { PictureHead } from "./PictureHead.tsx";
import { Table } from "./Table.tsx";
import { useWidth } from "./width.ts";

interface PictureProps {
  view: ViewName;
  images: Images;
}

/** Preact makes the frame once. The canvas is drawn when a signal changes, within the same task. */
export function Picture({ view, images }: PictureProps) {
  const { session, hands } = useTools();
  const section = useRef<HTMLElement>(null);
  const stack = useRef<HTMLDivElement>(null);
  const mat = useRef<HTMLDivElement>(null);
  const base = useRef<HTMLCanvasElement>(null);
  const hatch = useRef<HTMLDivElement>(null);
  const room = useWidth(section);
  /** Where a brush would paint. */
  const pointer = useSignal<Place | null>(null);

  /** Rows and columns of the picture. */
  const shape = (): Place => {
    const { H, W, Hb, Wb } = session.run.inputs;
    return view === "background" ? [Hb, Wb] : [H, W];
  };

  useLayoutEffect(() => {
    if (!stack.current || !base.current) return;
    const { style } = stack.current;
    const canvas = new PictureCanvas(base.current);
    return effect(() => {
      const { pixels, ratio } = room.value;
      if (!pixels) return;
      const scene = session.scene.value;
      const [rows, cols] = shape();
      const size = fitted(rows, cols, scene.run.config.rate, pixels);
      canvas.resize(size);
      style.width = `${size.width / ratio}px`;
      style.height = `${size.height / ratio}px`;
      mat.current?.classList.toggle("ctx-filled", size.width >= pixels);
      canvas.draw(images.of(view, scene), heatOf(view, scene), rows, cols);
    });
  }, [session, view, images]);

  useLayoutEffect(() => {
    const element = hatch.current;
    if (element) return effect(() => strikeOut(element, bitsOf(view, session), ...shape()));
  }, [session, view]);

  useLayoutEffect(() => {
    const element = stack.current;
    if (!element) return;
    return effect(() => {
      element.dataset.drags = String(hands.takesDrags(view));
    });
  }, [hands, view]);

  /** The pixel of the picture that the mouse is at. */
  const placeOf = ({ clientX, clientY }: PointerEvent): Place => {
    if (!base.current) return [0, 0];
    const { top, left, width, height } = base.current.getBoundingClientRect();
    const [rows, cols] = shape();
    const row = Math.floor(((clientY - top) / height) * rows);
    const col = Math.floor(((clientX - left) / width) * cols);
    return [clamp(row, rows), clamp(col, cols)];
  };

  const move = (event: PointerEvent) => {
    const place = placeOf(event);
    if (hands.takesDrags(view)) pointer.value = place;
    if (session.gradient.value) session.pointed.value = { view, at: place };
    if (isPressed(event)) hands.drag(view, place);
    else if (!isTouch(event)) hands.hover(view, place);
  };
  const leave = (event: PointerEvent) => {
    pointer.value = null;
    session.pointed.value = null;
    if (!isPressed(event) && !isTouch(event)) hands.leave(view);
  };
  const press = (event: PointerEvent) => {
    if (event.button === 0 && hands.press(view, placeOf(event))) {
      stack.current?.setPointerCapture(event.pointerId);
    }
  };
  /** Keys paint where the cursor is. */
  const pointAtKeys = () => {
    if (hands.takesDrags(view)) pointer.value = placeAfter(session, view, [0, 0]);
  };
  const release = (event: PointerEvent) => {
    if (event.button !== 0) return;
    if (isTouch(event)) hands.tap(view, placeOf(event));
    else hands.release(view, placeOf(event), event.shiftKey);
  };

  const { asked } = session.questions;
  const answers = useComputed(() => asked.value?.isOpen === true && asked.value.kind === "where");
  const keys =
    view === "background" && answers.value
      ? "arrow keys move a cross, Enter answers with it"
      : "arrow keys move, Enter keeps, Escape lets go";

  return (
    <section class="ctx-panel" aria-label={view} ref={section}>
      <PictureHead view={view} canvas={base} />
      <div class="ctx-mat" ref={mat}>
        <div
          class="ctx-stack"
          ref={stack}
          // biome-ignore lint/a11y/noNoninteractiveTabindex: an application takes the keys itself
          tabIndex={0}
          role="application"
          aria-label={`${view}: ${keys}`}
          onPointerMove={move}
          onPointerLeave={leave}
          onPointerDown={press}
          onPointerUp={release}
          onPointerCancel={() => hands.cancel()}
          onKeyDown={(event) => {
            hands.key(view, event);
            pointAtKeys();
          }}
          onFocus={pointAtKeys}
          onBlur={() => {
            pointer.value = null;
          }}
        >
          <canvas data-view={view} ref={base} />
          <div class="ctx-hatch" ref={hatch} hidden />
          <Arrows view={view} />
          <Marks view={view} room={room} />
          <BrushPreview view={view} pointer={pointer} />
        </div>
        {view === "background" && <Table />}
      </div>
      <PictureFoot view={view} />
    </section>
  );
}

const isTouch = ({ pointerType }: PointerEvent): boolean => pointerType === "touch";

const isPressed = ({ buttons }: PointerEvent): boolean => (buttons & 1) === 1;
