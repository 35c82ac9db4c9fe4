// From step to step: buttons, a slider over all steps, and where that is.

import { turnsOf } from "../../state/stepper.ts";
import type { Move, Stepping } from "../../state/stepping.ts";
import { Icon, type IconName } from "../icons.tsx";
import { useStepping } from "./context.ts";
import { spoken } from "./words.ts";

interface Control {
  readonly move: Move;
  readonly key: string;
  readonly icon: IconName;
  readonly label: string;
}

export const CONTROLS: readonly Control[] = [
  { move: "first", key: "Home", icon: "first", label: "First step" },
  { move: "back", key: "b", icon: "back", label: "Back, over calls" },
  { move: "next", key: "n", icon: "next", label: "Next, over calls" },
  { move: "last", key: "End", icon: "last", label: "Last step" },
  { move: "into", key: "i", icon: "into", label: "Into the call" },
  { move: "out", key: "o", icon: "out", label: "Out of the call" },
];

const WORDS: Partial<Record<Move, string>> = { into: "in", out: "out" };

export function Steering() {
  const stepping = useStepping();
  const recording = stepping.recording.value;
  const at = stepping.at.value;
  if (!recording?.steps.length) return null;
  const count = recording.steps.length;
  const turns = turnsOf(recording.steps, at);
  return (
    <div class="ctx-steering">
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset would be drawn as a box */}
      <div class="ctx-stepper" role="group" aria-label="Through the code">
        {CONTROLS.map(({ move, key, icon, label }) => (
          <button
            key={move}
            type="button"
            data-move={move}
            class={WORDS[move] && "ctx-wide"}
            aria-label={label}
            aria-keyshortcuts={key}
            title={`${label} (${key})`}
            // A button that is disabled loses the focus: this one says that it leads nowhere.
            aria-disabled={stepping.target(move) === null}
            onClick={() => stepping.move(move)}
          >
            <Icon name={icon} />
            {WORDS[move]}
          </button>
        ))}
      </div>
      <input
        type="range"
        data-set="step"
        aria-label="step"
        aria-valuetext={spoken(recording, at)}
        min={1}
        max={count}
        step={1}
        value={at + 1}
        onInput={({ currentTarget }) => stepping.stand(currentTarget.valueAsNumber - 1)}
      />
      <span class="ctx-where">
        step <b>{at + 1}</b> of {count}
        {turns.map(({ turn, of }, i) => (
          <span key={i} class="ctx-turn">
            {" "}
            · turn <b>{turn}</b> of {of}
          </span>
        ))}
      </span>
      {stepping.told.value && (
        <span class="ctx-warn" role="status">
          {stepping.told.value}
        </span>
      )}
    </div>
  );
}

/** Whether a key moved through the code; letters do not where they are typed. */
export function takeMove(stepping: Stepping, event: KeyboardEvent): boolean {
  const { key, target, ctrlKey, metaKey, altKey } = event;
  if (ctrlKey || metaKey || altKey || !stepping.recording.value?.steps.length) return false;
  const control = CONTROLS.find((each) => each.key.toLowerCase() === key.toLowerCase());
  const element = target as Element;
  if (!control || element.closest?.("select, textarea, input:not([type=range])")) return false;
  const isLetter = control.key.length === 1;
  // Home and End are a slider's own, and elsewhere they scroll.
  if (!isLetter && !element.closest?.(".ctx-stepping")) return false;
  if (!isLetter && element.closest?.("input")) return false;
  stepping.move(control.move);
  return true;
}
