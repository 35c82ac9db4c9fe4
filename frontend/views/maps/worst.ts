// Walking through a map of doubt from its worst place on.
import { worstFirst } from "../../engine/maps.ts";
import type { RemarkData } from "../../protocol.ts";
import { holeCells } from "../../state/home.ts";
import type { DoubtMap } from "../../state/maps.ts";
import type { Tools } from "../context.ts";
import { isPlain, keepCell, walkOn } from "../walk.ts";
import { MAP_WORDS } from "./words.ts";

/** The walk of each map: sorted once. */
const walks = new WeakMap<DoubtMap, RemarkData>();

/** Whether a place of a map counts: where f has a hole, only the queries in it do. */
function whichCount({ session }: Tools, { grid }: DoubtMap): (place: number) => boolean {
  const { attention, run, sample } = session;
  const hole = grid === "query" ? holeCells(run, sample.peek()) : [];
  const places = new Set(hole.map(([row, column]) => row * attention.w + column));
  return (place) => places.size === 0 || places.has(place);
}

/** The places of a map from the worst on, as if a finding had them. */
function remarkOf(tools: Tools, doubt: DoubtMap): RemarkData {
  const { session } = tools;
  const known = walks.get(doubt);
  if (known) return known;
  const { attention, stage, sample } = session;
  const { grid, name, values } = doubt;
  const { worst, isHighWorse } = MAP_WORDS[name];
  const places = worstFirst(values, isHighWorse).filter(whichCount(tools, doubt));
  const cells = places.map((place): [number, number] => {
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

/** Whether the walk that is gone is that of the map on screen. */
function isWalked({ session }: Tools): boolean {
  const walk = session.remarks.walk.value;
  const doubt = session.doubt.value;
  return walk !== null && doubt !== null && walks.get(doubt) === walk.remark;
}

/** How far the walk is: "3 of 80". */
export function stepsOfWalk(tools: Tools): string {
  const walk = tools.session.remarks.walk.value;
  return walk && isWalked(tools) ? `${walk.at + 1} of ${walk.remark.count}` : "worst";
}

/** On to the next worst place, or back; first of all to the worst. */
export function walkWorst(tools: Tools, by: number): void {
  const { session } = tools;
  const doubt = session.doubt.value;
  if (!doubt?.isWhole) {
    session.message.value = "The map is not whole yet: its worst place is not known.";
  } else if (isWalked(tools)) {
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
