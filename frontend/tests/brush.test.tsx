// What the brush would paint is shown where it is, before it paints.
import { beforeEach, expect, test, vi } from "vitest";
import { panel, settled, show, type View } from "./pictures.tsx";
import { smallRun } from "./run.ts";

beforeEach(() => {
  const box = { left: 100, top: 50, width: 160, height: 192 } as DOMRect;
  vi.spyOn(HTMLCanvasElement.prototype, "getBoundingClientRect").mockReturnValue(box);
});

// 16 CSS pixels a pixel: pixel (9, 7) of 12 × 10.
const AT = { clientX: 100 + 7 * 16, clientY: 50 + 9 * 16, bubbles: true };
const PLACE = { left: "75%", top: "79.167%" }; // the middle of the pixel

const stackOf = (view: View) => panel(view).querySelector<HTMLElement>(".ctx-stack");
const previews = () => [...document.querySelectorAll<HTMLElement>(".ctx-brush")];

async function at(view: View, event: Event): Promise<HTMLElement | null> {
  stackOf(view)?.dispatchEvent(event);
  await settled();
  return panel(view).querySelector<HTMLElement>(".ctx-brush");
}

test("as large as the brush, at the pixel that is pointed at", async () => {
  const session = show(smallRun());
  expect(await at("foreground", new PointerEvent("pointermove", AT))).toBeNull();
  session.tool.value = "brush";
  const circle = await at("foreground", new PointerEvent("pointermove", AT));
  const size = session.brush.value;
  expect(circle?.style.left).toBe(PLACE.left);
  expect(circle?.style.top).toBe(PLACE.top);
  expect(Number.parseFloat(circle?.style.width ?? "")).toBeCloseTo(10 * size);
  session.brush.value = 3;
  await settled();
  expect(circle?.style.width).toBe("30%");
  expect(circle?.style.height).toBe("25%");
  session.tool.value = "erase";
  expect(await at("foreground", new PointerEvent("pointermove", AT))).not.toBeNull();
  expect(await at("background", new PointerEvent("pointermove", AT))).toBeNull();
  expect(await at("foreground", new PointerEvent("pointerleave", AT))).toBeNull();
});

test("keys paint where it is shown", async () => {
  const session = show(smallRun());
  session.tool.value = "brush";
  expect(await at("foreground", new FocusEvent("focus"))).not.toBeNull();
  const right = new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true });
  const before = panel("foreground").querySelector<HTMLElement>(".ctx-brush")?.style.left;
  const circle = await at("foreground", right);
  expect(Number.parseFloat(circle?.style.left ?? "")).not.toBe(Number.parseFloat(before ?? ""));
  expect(await at("foreground", new FocusEvent("blur"))).toBeNull();
  session.tool.value = "look";
  expect(await at("foreground", new FocusEvent("focus"))).toBeNull();
  expect(previews()).toEqual([]);
});
