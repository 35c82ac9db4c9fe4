// The element that a debugger is drawn in.
import type { Tools } from "./context.ts";

/** What tests and a curious reader ask the element. */
export interface Root extends HTMLElement {
  debuggerRow?: (stage: string) => ArrayLike<number> | null;
  debuggerRange?: () => unknown;
  debuggerMap?: () => unknown;
  debuggerPython?: string;
}

const roots = new WeakMap<Tools, Root>();

export const rootOf = (tools: Tools): Root | undefined => roots.get(tools);

export function setRoot(tools: Tools, root: Root | null): void {
  if (root) roots.set(tools, root);
  else roots.delete(tools);
}
