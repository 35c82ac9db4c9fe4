// What is said of a run, folded away: the rules in force, and what is remarkable.
import type { ComponentChildren } from "preact";
import type { RemarkData } from "../protocol.ts";
import type { Place } from "../state/cursor.ts";
import { useTools } from "./context.ts";
import { Step } from "./pieces.tsx";
import { jump, walkOn } from "./walk.ts";

export function Findings() {
  const { session } = useTools();
  const { remarks, run } = session;
  const known = remarks.known.value;
  if (!known) return null;
  const { facts, findings } = known;
  const { walk } = run.inputs.meta;
  return (
    <details
      class="ctx-remarks"
      open={remarks.isOpen.value}
      onToggle={({ currentTarget }) => {
        remarks.isOpen.value = currentTarget.open;
      }}
    >
      <summary>
        Facts and findings <small>{countOf(facts, "fact")}</small>
        {findings && <small>{countOf(findings, "finding")}</small>}
      </summary>
      <Age />
      {walk && <List title="Your cells" remarks={[remarkOfWalk(walk, session.stage.peek())]} />}
      <List title="Findings" remarks={findings ?? []}>
        {findings?.length === 0 && <p>This run shows none of the oddities that are looked for.</p>}
        {!findings && <Unknown />}
      </List>
      <List title="Facts" remarks={facts} />
    </details>
  );
}

const countOf = (list: readonly RemarkData[], word: string): string =>
  `${list.length} ${word}${list.length === 1 ? "" : "s"}`;

/** Cells that somebody chose in Python, as if a finding had them. */
const remarkOfWalk = (cells: Place[], stage: RemarkData["stage"]): RemarkData => ({
  key: "walk",
  sentence: `${cells.length} ${cells.length === 1 ? "cell" : "cells"} to walk through.`,
  stage,
  cells: cells.map(([row, column]) => [row, column]),
  count: cells.length,
  grid: "query",
  sample: 0,
});

/** That they are of other settings than those on screen. */
function Age() {
  const { session } = useTools();
  const { remarks, run, alone } = session;
  if (!remarks.areOld(run)) return null;
  return (
    <p class="ctx-warn" role="status">
      These belong to the settings and the hole of before the last change.{" "}
      {!alone && <Look words="Look again" />}
    </p>
  );
}

function Unknown() {
  const { alone } = useTools().session;
  if (alone) {
    return (
      <p>
        Python looks for them: <code>trace.findings</code>.
      </p>
    );
  }
  return (
    <p>
      Every row has to be looked at for them. <Look words="Look for findings" />
    </p>
  );
}

function Look({ words }: { words: string }) {
  const { session, kernel } = useTools();
  const isLooking = session.remarks.asked.value !== null;
  return (
    <button
      type="button"
      class="ctx-chip"
      data-do="find"
      disabled={isLooking}
      onClick={() => kernel.wishes.find()}
    >
      {isLooking ? "The kernel looks …" : words}
    </button>
  );
}

interface ListProps {
  title: string;
  remarks: readonly RemarkData[];
  children?: ComponentChildren;
}

function List({ title, remarks, children }: ListProps) {
  return (
    <section aria-label={title}>
      <h3>{title}</h3>
      {children}
      {remarks.length > 0 && (
        <ul>
          {remarks.map((remark, i) => (
            <Item key={i} remark={remark} />
          ))}
        </ul>
      )}
    </section>
  );
}

function Item({ remark }: { remark: RemarkData }) {
  const tools = useTools();
  const { session } = tools;
  const walk = session.remarks.walk.value;
  const isCurrent = walk?.remark.key === remark.key && walk.remark.sentence === remark.sentence;
  const words = remark.key.replaceAll("_", " ");
  const ofSample = session.run.inputs.n > 1 && remark.cells.length > 0;
  return (
    <li aria-current={isCurrent ? "true" : undefined} data-remark={remark.key}>
      <span>
        {remark.sentence} {ofSample && <small>sample {remark.sample}</small>}
      </span>
      <span class="ctx-walk">
        {isCurrent && remark.cells.length > 1 && (
          <>
            <Step label="Previous cell" icon="back" onClick={() => walkOn(tools, -1)} />
            <small>
              {(walk?.at ?? 0) + 1} of {remark.count}
            </small>
            <Step label="Next cell" icon="next" onClick={() => walkOn(tools, 1)} />
          </>
        )}
        <button
          type="button"
          class="ctx-chip"
          aria-label={`Show ${words}`}
          onClick={() => jump(tools, remark)}
        >
          Show
        </button>
      </span>
    </li>
  );
}
