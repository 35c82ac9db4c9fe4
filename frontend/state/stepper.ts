// Where to go in a recording: forward and back, into calls and out of them.
import type { CallData, StepData } from "../protocol.ts";

type Steps = readonly StepData[];

/** The step after this one, over calls that it enters; at the end of all others, into them. */
export function over(steps: Steps, at: number): number | null {
  const { depth } = steps[at];
  for (let i = at + 1; i < steps.length; i++) {
    if (steps[i].depth <= depth) return i;
  }
  return at + 1 < steps.length ? at + 1 : null;
}

/** The step before this one, over calls that lie between. */
export function back(steps: Steps, at: number): number | null {
  const { depth } = steps[at];
  for (let i = at - 1; i >= 0; i--) {
    if (steps[i].depth <= depth) return i;
  }
  return at > 0 ? at - 1 : null;
}

/** The first step inside the call that comes next. */
export function into(steps: Steps, at: number): number | null {
  const next = steps[at + 1];
  return next && next.depth > steps[at].depth ? at + 1 : null;
}

/** The first step after the call that this one is in. */
export function out(steps: Steps, at: number): number | null {
  const { depth } = steps[at];
  for (let i = at + 1; i < steps.length; i++) {
    if (steps[i].depth < depth) return i;
  }
  return null;
}

/** The next step on a line, going on from the start at the end; null where there is none. */
export function runTo(steps: Steps, at: number, source: number, line: number): number | null {
  for (let i = 1; i <= steps.length; i++) {
    const next = (at + i) % steps.length;
    const step = steps[next];
    if (step.source === source && isOn(step, line)) return next;
  }
  return null;
}

const isOn = ({ line, end_line }: StepData, wanted: number): boolean =>
  line <= wanted && wanted <= end_line;

/** The lines of a source on which something can be seen. */
export function linesWithSteps(steps: Steps, source: number): ReadonlySet<number> {
  const lines = new Set<number>();
  for (const step of steps) {
    if (step.source !== source) continue;
    for (let line = step.line; line <= step.end_line; line++) lines.add(line);
  }
  return lines;
}

/** How often each line of a source has run up to a step: a turn of a loop counts as once. */
export function timesRun(steps: Steps, at: number, source: number): ReadonlyMap<number, number> {
  const turns = new Map<number, Set<string>>();
  for (let i = 0; i <= at; i++) {
    const step = steps[i];
    if (step.source !== source) continue;
    const turn = `${step.frame}:${step.iteration}`;
    const known = turns.get(step.line);
    if (known) known.add(turn);
    else turns.set(step.line, new Set([turn]));
  }
  return new Map([...turns].map(([line, seen]) => [line, seen.size]));
}

export interface Turn {
  /** From 1. */
  readonly turn: number;
  /** How many there were. */
  readonly of: number;
}

/** Which turn of each loop around it a step is in, from the outside. */
export function turnsOf(steps: Steps, at: number): Turn[] {
  const own = steps[at];
  return own.iteration.map((turn, level) => {
    let last = turn;
    for (const step of steps) {
      const isSame =
        step.source === own.source &&
        step.line === own.line &&
        step.column === own.column &&
        step.end_column === own.end_column &&
        step.frame === own.frame &&
        step.iteration.length > level &&
        own.iteration.slice(0, level).every((outer, i) => step.iteration[i] === outer);
      if (isSame) last = Math.max(last, step.iteration[level]);
    }
    return { turn: turn + 1, of: last + 1 };
  });
}

/** The calls that a frame is in, from the outside; its own is the last. */
export function callsOf(calls: readonly CallData[], frame: number): CallData[] {
  const around: CallData[] = [];
  for (let call = calls[frame]; call; call = calls[call.parent ?? -1]) around.unshift(call);
  return around;
}
