// Where rows are asked for of the kernel, the scene stays at the place whose rows have arrived.
import { effect, untracked } from "@preact/signals";
import { coveringCells } from "../engine/deconvolution.ts";
import { RESULT } from "../engine/roles.ts";
import type { StageKey } from "../generated/stages.ts";
import type { AskRowsMessage } from "../protocol.ts";
import { type Cursor, NOTHING, type Place, patchOf, queryOf } from "./cursor.ts";
import { type Question, Remote } from "./remote.ts";
import type { Run } from "./run.ts";
import type { Session } from "./session.ts";

/** A run's rows, asked for one question at a time. */
export function remoteOf(run: Run, send: (message: AskRowsMessage) => void): Remote {
  const { P, L, w } = run.attention(0);
  return new Remote({ P, L, w }, (number, { queries, patch }) => {
    send({ kind: "rows", number, queries: queries.map(([row, column]) => [row, column]), patch });
  });
}

/** The cursor whose rows are here: the reader's own, or the last one that was answered. */
export function answeredCursor({ document, cursor, answered }: Session): Cursor {
  const isRemote = document.value?.swap.value?.isRemote ?? false;
  return isRemote ? (answered.value ?? NOTHING) : cursor.value;
}

/** Ask for the rows of the reader's cursor, until the returned function is called. */
export function followRemote(session: Session): () => void {
  return effect(() => {
    const run = session.document.value;
    const isRemote = run?.swap.value?.isRemote ?? false;
    const cursor = session.cursor.value;
    const stage = session.stage.value;
    const sample = session.sample.value;
    if (!run || !isRemote || !run.remote) {
      session.answered.value = null;
      return;
    }
    const { remote } = run;
    remote.answers.value; // whenever one arrives
    const question = questionOf(run, cursor, stage, sample);
    untracked(() => {
      if (remote.has(question)) session.answered.value = cursor;
      else remote.want(question);
    });
  });
}

/** The rows and columns that the scene reads of a cursor. */
function questionOf(run: Run, cursor: Cursor, stage: StageKey, sample: number): Question {
  const attention = run.attention(sample);
  const { h, w, config } = attention;
  const { rate } = config;
  const patch = cursor.kind === "patch" ? patchOf(cursor) : null;
  if (cursor.kind === "pixel") {
    const [y, x] = cursor.pixel;
    const rows = coveringCells(y, rate, h);
    const columns = coveringCells(x, rate, w);
    return { sample, queries: rows.flatMap((row) => columns.map((c): Place => [row, c])), patch };
  }
  const query = queryOf(cursor, rate);
  if (!query) return { sample, queries: [], patch };
  const queries: Place[] = [query];
  if (stage === "fused_rows" || stage === "fused_scores") {
    const terms = attention.fusionTerms(query[0] * w + query[1], 0);
    queries.push(...terms.filter(({ p }) => p >= 0).map(({ p }): Place => attention.place(p)));
  } else if (stage === RESULT) {
    queries.push(...blockAround(query, h, w));
  }
  return { sample, queries, patch };
}

function blockAround([row, column]: Place, h: number, w: number): Place[] {
  const near = [-1, 0, 1];
  const block = near.flatMap((down) => near.map((right): Place => [row + down, column + right]));
  return block.filter(([y, x]) => y >= 0 && y < h && x >= 0 && x < w);
}
