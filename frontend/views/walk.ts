// Walking through the cells of a fact or a finding.
import { batch } from "@preact/signals";
import type { Attention } from "../engine/attention.ts";
import type { RemarkData } from "../protocol.ts";
import { type Cursor, keptQuery, type Place } from "../state/cursor.ts";
import type { Tools } from "./context.ts";

/** The kept cursor at a place of a remark; null where the grid has no such place. */
function cursorOf(attention: Attention, grid: RemarkData["grid"], place: Place): Cursor | null {
  const { h, w, gh, gw, config } = attention;
  const [row, column] = place;
  if (grid === "query") return row < h && column < w ? keptQuery(place) : null;
  const [i, j] = [row / config.stride, column / config.stride];
  if (!Number.isInteger(i) || !Number.isInteger(j) || i >= gh || j >= gw) return null;
  return { kind: "patch", patch: i * gw + j, query: null, kept: true };
}

/** Keep one cell of a remark; with `stage`, show its stage, too. */
export function keepCell(
  tools: Tools,
  remark: RemarkData,
  at: number,
  stage?: RemarkData["stage"],
): void {
  const { session, kernel } = tools;
  const { cells, grid, count } = remark;
  const cell = cells.at(at);
  const cursor = cell && cursorOf(session.attention, grid, cell);
  const sample = remark.sample === session.sample.value ? undefined : remark.sample;
  batch(() => {
    session.remarks.walk.value = { remark, at };
    if (cursor) {
      session.cells.value = [];
      session.region.value = null;
      session.message.value = `Cell ${at + 1} of ${count}. N: the next, P: the previous.`;
    } else if (cell) {
      session.message.value = `The present grid has no cell (${cell.join(", ")}).`;
    }
    kernel.publish({ stage, sample, cursor: cursor ?? undefined });
  });
}

/** Go where a remark can be seen: to its stage, and its first cell. */
export function jump(tools: Tools, remark: RemarkData): void {
  keepCell(tools, remark, 0, remark.stage);
}

/** On to the next cell, or back, at the stage on screen; after the last comes the first. */
export function walkOn(tools: Tools, by: number): void {
  const walk = tools.session.remarks.walk.value;
  if (!walk?.remark.cells.length) return;
  const { length } = walk.remark.cells;
  keepCell(tools, walk.remark, (walk.at + by + length) % length);
}

/** Whether a letter means what it means here, and is no shortcut or text. */
export function isPlain({ target, ctrlKey, metaKey, altKey }: KeyboardEvent): boolean {
  if (ctrlKey || metaKey || altKey) return false;
  return (target as Element).closest("input, select, textarea") === null;
}

/** What N and P ask for, but not where they mean something else. */
export function walkStepOf(event: KeyboardEvent): number {
  return isPlain(event) ? ({ n: 1, p: -1 }[event.key.toLowerCase()] ?? 0) : 0;
}
