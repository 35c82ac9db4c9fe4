// The code itself: its lines in colours, what runs now marked, what has run ticked.
import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Token } from "../../engine/python_tokens.ts";
import type { StepData } from "../../protocol.ts";
import type { Recording } from "../../state/recording.ts";
import { linesWithSteps, timesRun } from "../../state/stepper.ts";
import { useStepping } from "./context.ts";
import { Failure } from "./Failure.tsx";

/** Each source that was on screen is kept: to come back to it costs nothing. */
export function Code() {
  const stepping = useStepping();
  const recording = stepping.recording.value;
  const source = stepping.source.value;
  const visited = useRef<{ of: Recording | null; sources: number[] }>({ of: null, sources: [] });
  if (visited.current.of !== recording) visited.current = { of: recording, sources: [] };
  const { sources } = visited.current;
  if (!sources.includes(source)) sources.push(source);
  if (!recording?.sources.length) return null;
  return (
    <>
      {sources.map((number) => (
        <SourceCode
          key={number}
          recording={recording}
          source={number}
          at={number === source ? stepping.at.value : null}
        />
      ))}
    </>
  );
}

interface SourceProps {
  recording: Recording;
  source: number;
  /** The step; null while another source is on screen. */
  at: number | null;
}

function SourceCode({ recording, source, at }: SourceProps) {
  const stepping = useStepping();
  const list = useRef<HTMLDivElement>(null);
  const [isUnfolded, setUnfolded] = useState(false);
  const runnable = useMemo(() => linesWithSteps(recording.steps, source), [recording, source]);
  const step = at === null ? null : recording.steps[at];
  const current = step?.source === source ? step.line : null;
  useLayoutEffect(() => {
    if (at === null || !list.current) return;
    const line = list.current.querySelector<HTMLElement>('[data-current="true"]');
    centre(list.current, line);
  }, [at === null, recording, current, step?.column]);
  const lines = useMemo(() => {
    if (at === null || !step) return null;
    const code = recording.sources[source];
    const times = timesRun(recording.steps, at, source);
    const { docstring } = code;
    const tabbable = current !== null && runnable.has(current) ? current : [...runnable][0];
    return code.lines.map((tokens, i) => {
      const line = code.firstLine + i;
      const isFolded = docstring && !isUnfolded && i >= docstring.from && i < docstring.to;
      if (isFolded && i > docstring.from) return null;
      if (isFolded) {
        const count = docstring.to - docstring.from;
        return <Fold key={line} count={count} onUnfold={() => setUnfolded(true)} />;
      }
      const [from, to] = step.source === source ? markOn(step, line, tokens) : [-1, -1];
      return (
        <Line
          key={line}
          line={line}
          tokens={tokens}
          from={from}
          to={to}
          isGap={step.gap !== null}
          isCurrent={line === current}
          isRunnable={runnable.has(line)}
          isTabbable={line === tabbable}
          times={times.get(line) ?? 0}
          stretch={recording.stretchOn(source, line)}
          failure={isFailing(recording, at, line, source) ? recording : null}
          onRun={() => stepping.runTo(source, line)}
        />
      );
    });
  }, [recording, source, at, isUnfolded]);
  const last = useRef(lines);
  if (lines) last.current = lines;
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset would be drawn as a box
    <div
      ref={list}
      class="ctx-code"
      role="group"
      aria-label={`${recording.sources[source].name}, lines`}
      hidden={at === null}
      onKeyDown={(event) => moveAmongLines(event, list.current)}
    >
      {last.current}
    </div>
  );
}

const isFailing = (recording: Recording, at: number, line: number, source: number): boolean => {
  const isLast = at === recording.steps.length - 1;
  const last = recording.steps.at(-1);
  return recording.error !== null && isLast && last?.source === source && last.end_line === line;
};

/** What stands for the rest of a docstring. */
const Fold = ({ count, onUnfold }: { count: number; onUnfold: () => void }) => (
  <div class="ctx-line">
    <span class="ctx-times" />
    <span class="ctx-number">…</span>
    <button type="button" class="ctx-fold" data-do="unfold" onClick={onUnfold}>
      {count} more lines of words
    </button>
  </div>
);

/** Scroll the code, and nothing around it, where a line is not well within it. */
function centre(list: HTMLElement, line: HTMLElement | null): void {
  if (!line) {
    list.scrollTop = 0;
    return;
  }
  const top = line.offsetTop; // the list is what it is counted from
  const margin = 3 * line.offsetHeight;
  const isSeen =
    top >= list.scrollTop + margin && top <= list.scrollTop + list.clientHeight - margin;
  if (!isSeen) list.scrollTop = top - list.clientHeight / 2;
  const mark = line.querySelector("mark");
  const left = mark?.offsetLeft ?? 0;
  const isCutOff = left > list.scrollLeft + 0.8 * list.clientWidth || left < list.scrollLeft;
  if (isCutOff) list.scrollLeft = left > 0.8 * list.clientWidth ? left - list.clientWidth / 3 : 0;
}

/** The arrows go from line number to line number; Enter runs to it. */
function moveAmongLines(event: KeyboardEvent, list: HTMLElement | null): void {
  const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  const buttons = [...(list?.querySelectorAll<HTMLElement>("[data-runnable=true] button") ?? [])];
  const now = buttons.indexOf(event.target as HTMLElement);
  if (!by || now < 0) return;
  buttons[now + by]?.focus();
  event.preventDefault();
  event.stopPropagation();
}

/** From which to which column a line is marked; −1 for none. */
function markOn(step: StepData, line: number, tokens: readonly Token[]): readonly [number, number] {
  if (line < step.line || line > step.end_line) return [-1, -1];
  const text = tokens.map((token) => token.text).join("");
  const from = line === step.line ? step.column : text.length - text.trimStart().length;
  return [from, line === step.end_line ? step.end_column : text.length];
}

interface LineProps {
  line: number;
  tokens: readonly Token[];
  from: number;
  to: number;
  isGap: boolean;
  isCurrent: boolean;
  isRunnable: boolean;
  isTabbable: boolean;
  times: number;
  stretch: readonly (readonly [number, number])[];
  failure: Recording | null;
  onRun: () => void;
}

/** Made again only when something of it is not as it was. */
function Line(props: LineProps) {
  const { line, tokens, from, to, isGap, isCurrent, isRunnable, isTabbable, times } = props;
  const { stretch, failure, onRun } = props;
  const text = useMemo(() => piecesOf(tokens, from, to, isGap), [tokens, from, to, isGap]);
  return useMemo(
    () => (
      <>
        {/* biome-ignore lint/a11y: the number of the line is a button, for keys */}
        <div
          class="ctx-line"
          data-line={line}
          data-current={isCurrent}
          data-runnable={isRunnable}
          data-failed={failure !== null}
          onClick={isRunnable ? onRun : undefined}
        >
          <span class="ctx-times" title={times > 1 ? `ran ${times} times` : undefined}>
            {timesText(times)}
          </span>
          {isRunnable ? (
            <button
              type="button"
              tabIndex={isTabbable ? 0 : -1}
              aria-label={`Run to line ${line}${times ? `, ran ${countOf(times)}` : ""}`}
              aria-current={isCurrent ? "step" : undefined}
              title="Run to here"
            >
              {line}
            </button>
          ) : (
            <span class="ctx-number">{line}</span>
          )}
          <code>
            {text}
            {stretch.map(([first, end]) => (
              <i
                key={first}
                class="ctx-stretch"
                data-stretch={`${first},${end}`}
                style={{ left: `${first}ch`, width: `${end - first}ch` }}
              />
            ))}
          </code>
        </div>
        {failure && <Failure recording={failure} tokens={tokens} />}
      </>
    ),
    [line, text, isCurrent, isRunnable, isTabbable, times, failure],
  );
}

function timesText(times: number): string {
  if (times === 0) return "";
  return times === 1 ? "✓" : `×${times}`;
}

const countOf = (times: number): string => (times === 1 ? "once" : `${times} times`);

/** Tokens as elements; those between two columns within one mark. */
function piecesOf(tokens: readonly Token[], from: number, to: number, isGap: boolean) {
  const before: Token[] = [];
  const marked: Token[] = [];
  const after: Token[] = [];
  let column = 0;
  for (const { kind, text } of tokens) {
    const end = column + text.length;
    const first = Math.min(Math.max(from, column), end) - column;
    const last = Math.min(Math.max(to, column), end) - column;
    if (from < 0) {
      before.push({ kind, text });
    } else {
      before.push({ kind, text: text.slice(0, first) });
      marked.push({ kind, text: text.slice(first, last) });
      after.push({ kind, text: text.slice(last) });
    }
    column = end;
  }
  return (
    <>
      {before.map(piece)}
      {from >= 0 && <mark class={isGap ? "ctx-gap" : undefined}>{marked.map(piece)}</mark>}
      {after.map(piece)}
    </>
  );
}

function piece({ kind, text }: Token, i: number) {
  if (!text) return null;
  return kind === "plain" ? (
    text
  ) : (
    <span key={i} class={`ctx-py-${kind}`}>
      {text}
    </span>
  );
}
