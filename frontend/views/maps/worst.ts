// Walking through a map of doubt from its worst place on.
import { worstFirst } from "../../engine/maps.ts";
import type { RemarkData } from "../../protocol.ts";
import type { DoubtMap } from "../../state/maps.ts";
import type { Tools } from "../context.ts";
import { isPlain, keepCell, walkOn } from "../walk.ts";
import { MAP_WORDS } from "./words.ts";

/** The walk of each map: sorted once. */
const walks = new WeakMap<DoubtMap, RemarkData>();

/** All places of a map, as if a finding had them. */
function remarkOf({ session }: Tools, doubt: DoubtMap): RemarkData {
  const known = walks.get(doubt);
  if (known) return known;
  const { attention, stage, sample } = session;
  const { grid, name, values } = doubt;
  const { worst, isHighWorse } = MAP_WORDS[name];
  const cells = worstFirst(values, isHighWorse).map((place): [number, number] => {
    const [row, column] = grid === "query" ? attention.place(place) : attention.cellOf(place);
    return [row, column];
  });
  const remark: RemarkData = {
    key: name,
    sentence: worst,
    stage: stage.peek(),
    cells,
    count: cells.length,
    grid,
    sample: sample.peek(),
  };
  walks.set(doubt, remark);
  return remark;
}

/** How many places of the map on screen were walked on; null where the walk is another one. */
export function placeInWalk({ session }: Tools): number | null {
  const walk = session.remarks.walk.value;
  const doubt = session.doubt.value;
  return walk && doubt && walks.get(doubt) === walk.remark ? walk.at : null;
}

/** On to the next worst place, or back; first of all to the worst. */
export function walkWorst(tools: Tools, by: number): void {
  const { session } = tools;
  const doubt = session.doubt.value;
  if (!doubt?.isWhole) {
    session.message.value = "The map is not whole yet: its worst place is not known.";
  } else if (placeInWalk(tools) !== null) {
    walkOn(tools, by);
  } else {
    const remark = remarkOf(tools, doubt);
    if (remark.count) keepCell(tools, remark, 0);
    else session.message.value = "The map has no number: nothing has a match.";
  }
}

/** W asks for the next worst place, with Shift for the previous one. */
export function worstStepOf(event: KeyboardEvent): number {
  if (!isPlain(event) || event.key.toLowerCase() !== "w") return 0;
  return event.shiftKey ? -1 : 1;
}
