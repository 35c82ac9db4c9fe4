// Which code is on screen: the calls that the step is in, and all other code that ran.
import type { Source } from "../../state/recording.ts";
import { callsOf } from "../../state/stepper.ts";
import { useStepping } from "./context.ts";

export function Calls() {
  const stepping = useStepping();
  const recording = stepping.recording.value;
  const source = stepping.source.value;
  const step = stepping.step.value;
  if (!recording || !step) return null;
  const { sources } = recording;
  const calls = callsOf(recording.calls, step.frame);
  const crumbs = calls.map((call, i) => ({
    source: call.source,
    line: calls[i + 1]?.line ?? null, // from where the next one was called
  }));
  if (!crumbs.some((crumb) => crumb.source === source)) crumbs.push({ source, line: null });
  return (
    <nav class="ctx-calls" aria-label="Code: from the outermost call">
      {crumbs.map(({ source: number, line }, i) => (
        <span key={`${i}-${number}`}>
          {i > 0 && <i aria-hidden="true">›</i>}
          <button
            type="button"
            aria-current={number === source ? "true" : undefined}
            title={titleOf(sources[number], line)}
            onClick={() => stepping.readSource(number)}
          >
            {sources[number].shortName}
          </button>
        </span>
      ))}
      <span class="ctx-file" title={sources[source].file}>
        {fileName(sources[source].file)}
      </span>
      {sources.length > crumbs.length && (
        <select
          data-set="source"
          aria-label="all code that ran"
          value={source}
          onInput={({ currentTarget }) => stepping.readSource(Number(currentTarget.value))}
        >
          {sources.map(({ shortName, name }, number) => (
            <option key={name} value={number}>
              {shortName}
            </option>
          ))}
        </select>
      )}
    </nav>
  );
}

/** Of a call from which another was made, with the line of it. */
function titleOf({ name, file }: Source, line: number | null): string {
  const place = line === null ? "" : `, line ${line} calls what follows`;
  return `${name}, ${fileName(file)}${place}`;
}

/** What a notebook's cell is kept in has a name that says nothing, and another one each time. */
function fileName(path: string): string {
  if (/ipykernel_|<ipython-input/.test(path)) return "a notebook’s cell";
  return path.split(/[\\/]/).at(-1) ?? path;
}
