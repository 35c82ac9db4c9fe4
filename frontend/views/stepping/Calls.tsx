// Which code is on screen: the calls that the step is in, and all other code that ran.
import { callsOf } from "../../state/stepper.ts";
import { useStepping } from "./context.ts";

export function Calls() {
  const stepping = useStepping();
  const recording = stepping.recording.value;
  const source = stepping.source.value;
  if (!recording?.steps.length) return null;
  const calls = callsOf(recording.steps, stepping.at.value);
  const { sources } = recording;
  const shown = calls.includes(source) ? calls : [...calls, source];
  return (
    <nav class="ctx-calls" aria-label="Code: from the outermost call">
      {shown.map((number, i) => (
        <span key={`${i}-${number}`}>
          {i > 0 && <i aria-hidden="true">›</i>}
          <button
            type="button"
            aria-current={number === source ? "true" : undefined}
            title={`${sources[number].name}, ${fileName(sources[number].file)}`}
            onClick={() => stepping.readSource(number)}
          >
            {sources[number].shortName}
          </button>
        </span>
      ))}
      <span class="ctx-file" title={sources[source].file}>
        {fileName(sources[source].file)}
      </span>
      {sources.length > shown.length && (
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

/** What a notebook's cell is kept in has a name that says nothing, and another one each time. */
function fileName(path: string): string {
  if (/ipykernel_|<ipython-input/.test(path)) return "a notebook’s cell";
  return path.split(/[\\/]/).at(-1) ?? path;
}
