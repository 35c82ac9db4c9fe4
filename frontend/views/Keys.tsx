// Keys, mouse and colours, in a dialog.
import { useEffect, useRef } from "preact/hooks";
import { useTools } from "./context.ts";
import { Button } from "./pieces.tsx";

export function Keys() {
  const { session } = useTools();
  const dialog = useRef<HTMLDialogElement>(null);
  const isOpen = session.showsKeys.value;
  useEffect(() => {
    if (isOpen) dialog.current?.showModal();
    else dialog.current?.close();
  }, [isOpen]);
  const set = (value: boolean) => {
    session.showsKeys.value = value;
  };
  return (
    <>
      <Button
        name="keys"
        help="Keys, mouse and colours."
        label="Keys and colours"
        class="ctx-chip ctx-round"
        onClick={() => set(true)}
      >
        ?
      </Button>
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: Escape does it by itself */}
      <dialog
        ref={dialog}
        class="ctx-keys"
        aria-label="Keys and colours"
        onClose={() => set(false)}
        onClick={({ target, currentTarget }) => {
          if (target === currentTarget) set(false); // the backdrop
        }}
      >
        <header>
          <h2>Keys and colours</h2>
          <button type="button" class="ctx-chip" onClick={() => set(false)}>
            Close
          </button>
        </header>
        <dl>
          <dt>move, click</dt>
          <dd>look at a cell, keep it; click a kept cell again to let it go</dd>
          <dt>
            <kbd>Shift</kbd>+click
          </dt>
          <dd>
            keep further cells, up to five; by keys <kbd>Shift</kbd>+<kbd>Enter</kbd>
          </dd>
          <dt>tap, tap again</dt>
          <dd>the same with a finger</dd>
          <dt>
            <kbd>Esc</kbd>
          </dt>
          <dd>stops playing, or the making of a map; then ends a region; then lets all go</dd>
          <dt>
            <kbd>[</kbd> <kbd>]</kbd>
          </dt>
          <dd>
            step back, step on; on the strip also <kbd>←</kbd> <kbd>→</kbd>
          </dd>
          <dt>
            <kbd>Tab</kbd>
          </dt>
          <dd>
            to a picture: arrows move in it (<kbd>Shift</kbd>: by 8), <kbd>Enter</kbd> keeps, or
            paints with a brush
          </dd>
          <dt>
            <kbd>T</kbd>
          </dt>
          <dd>the map as a table of its twenty largest values</dd>
          <dt>
            <kbd>N</kbd> <kbd>P</kbd>
          </dt>
          <dd>
            the next and the previous cell of the finding that was shown last (while no code is
            open)
          </dd>
          <dt>
            <kbd>W</kbd>
          </dt>
          <dd>
            the next worst place of the map that the cells are coloured by; <kbd>Shift</kbd>+
            <kbd>W</kbd> the previous one
          </dd>
          <dt>
            <kbd>S</kbd>
          </dt>
          <dd>steps into the code of the stage, and closes it</dd>
          <dt>
            <kbd>N</kbd> <kbd>B</kbd> <kbd>I</kbd> <kbd>O</kbd>
          </dt>
          <dd>
            in the code: next, back, into a call, out of it; <kbd>Home</kbd> <kbd>End</kbd> first
            and last; on a line’s number <kbd>Enter</kbd> runs to it
          </dd>
          <dt>
            <kbd>M</kbd>
          </dt>
          <dd>
            shows how the step works, tick by tick, and ends that; meanwhile <kbd>,</kbd>{" "}
            <kbd>.</kbd> one tick back and on, <kbd>K</kbd> plays and pauses, with the focus in it{" "}
            <kbd>Home</kbd> <kbd>End</kbd> first and last
          </dd>
          <dt>
            <kbd>X</kbd> <kbd>N</kbd> <kbd>P</kbd>
          </dt>
          <dd>with a question: skip it, on to the next, back to the one before</dd>
          <dt>
            <kbd>G</kbd>
          </dt>
          <dd>the gradient of the kept output pixel or query, and closes it</dd>
          <dt>
            <kbd>?</kbd>
          </dt>
          <dd>this list</dd>
        </dl>
        <p class="ctx-roles">
          <Role name="query">query</Role>
          <Role name="match">match</Role>
          <Role name="hole">hole or masked</Role>
          <Role name="pixel">output pixel</Role>
        </p>
      </dialog>
    </>
  );
}

const Role = ({ name, children }: { name: string; children: string }) => (
  <span>
    <span class={`ctx-glyph ctx-${name}`} />
    {children}
  </span>
);
