// What every component of the stepping view may reach.
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Stepping } from "../../state/stepping.ts";
import type { Bitmaps } from "./bitmaps.ts";

export interface SteppingTools {
  readonly stepping: Stepping;
  readonly bitmaps: Bitmaps;
}

export const SteppingContext = createContext<SteppingTools | null>(null);

export function useSteppingTools(): SteppingTools {
  const tools = useContext(SteppingContext);
  if (!tools) throw new Error("This component stands outside of a stepping view.");
  return tools;
}

export const useStepping = (): Stepping => useSteppingTools().stepping;
