// How wide an element is, as a signal.
import { type ReadonlySignal, useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useLayoutEffect } from "preact/hooks";

export interface Width {
  /** Whole device pixels; 0 while the element is not shown. */
  readonly pixels: number;
  /** Device pixels in a CSS pixel. */
  readonly ratio: number;
}

export function useWidth(element: RefObject<HTMLElement | null>): ReadonlySignal<Width> {
  const width = useSignal<Width>({ pixels: 0, ratio: 1 });
  useLayoutEffect(() => {
    const { current } = element;
    if (!current) return;
    const measure = () => {
      const ratio = window.devicePixelRatio;
      const pixels = Math.floor(current.clientWidth * ratio);
      const now = width.peek();
      if (pixels !== now.pixels || ratio !== now.ratio) width.value = { pixels, ratio };
    };
    const watch = new ResizeObserver(measure);
    watch.observe(current);
    measure();
    return () => watch.disconnect();
  }, []);
  return width;
}
