// Keys of the mechanism: M opens and closes it; the others go through it while it is open.
import type { Tools } from "../context.ts";

/** Whether a key did something; letters do not where they are typed. */
export function takeMechanismKey({ session, kernel }: Tools, event: KeyboardEvent): boolean {
  const { mechanism } = session;
  const { key, target, ctrlKey, metaKey, altKey } = event;
  const element = target as Element;
  if (ctrlKey || metaKey || altKey || kernel.stepIn.code.value !== null) return false;
  if (element.closest?.("select, textarea, input:not([type=range])")) return false;
  if (key.toLowerCase() === "m") {
    mechanism.toggle();
    return true;
  }
  if (!mechanism.isOpen.value) return false;
  const isIn = element.closest?.(".ctx-mechanism") ?? null;
  const isOnSlider = element.closest?.("input") ?? null;
  if (key === ",") mechanism.step(-1);
  else if (key === ".") mechanism.step(1);
  else if (key.toLowerCase() === "k") mechanism.play();
  else if (key === "Escape" && mechanism.isPlaying.value) mechanism.isPlaying.value = false;
  else if (key === "Escape" && isIn) mechanism.toggle();
  // A slider has these itself, and elsewhere they scroll.
  else if (key === "Home" && isIn && !isOnSlider) mechanism.stand(0);
  else if (key === "End" && isIn && !isOnSlider) mechanism.stand(mechanism.last.value);
  else return false;
  return true;
}
