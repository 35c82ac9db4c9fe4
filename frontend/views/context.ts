// What every component may reach: the state, and what the reader can do with it.
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { StageKey } from "../generated/stages.ts";
import type { Address } from "../state/address.ts";
import { keptQuery, type Place } from "../state/cursor.ts";
import type { Hands } from "../state/hands.ts";
import type { Kernel } from "../state/kernel.ts";
import type { Session } from "../state/session.ts";

export interface Tools {
  readonly session: Session;
  readonly kernel: Kernel;
  readonly hands: Hands;
  /** Of a saved page; a notebook has none. */
  readonly address?: Address;
}

export const ToolsContext = createContext<Tools | null>(null);

export function useTools(): Tools {
  const tools = useContext(ToolsContext);
  if (!tools) throw new Error("This component stands outside of a debugger.");
  return tools;
}

/** Go to a stage and keep a query there, beside one patch or its best match. */
type Go = (stage: StageKey, query?: Place | null, patch?: number | null) => void;

export function useGo(): Go {
  const { session, kernel } = useTools();
  return (stage, query = session.scene.value.query, patch = null) => {
    session.isPlaying.value = false;
    kernel.publish(query ? { stage, cursor: keptQuery(query, patch) } : { stage });
  };
}
