// What another hole changes, and what it leaves as it was.
import { sameMask } from "./arrays.ts";
import type { Run } from "./run.ts";

/** A sentence where the hole is not the one that the debugger opened with. */
export function paintedNote({ inputs, mask }: Run): string {
  if (sameMask(mask, inputs.mask)) return "";
  if (!mask) return "Only the mask is gone: f still holds what stood under the first hole.";
  if (!inputs.sameSize || inputs.foregroundMask) {
    return "Only b’s mask has changed: patches that touch it may not be pasted; f is as it was.";
  }
  return (
    "Only the mask has changed, not f: nothing is filled anew, and under the new hole " +
    "a query still sees f’s own pixels."
  );
}
