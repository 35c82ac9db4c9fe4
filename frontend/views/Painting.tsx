// The tools that paint the hole.
import type { Tool } from "../state/session.ts";
import { useTools } from "./context.ts";
import { Button } from "./control_parts.tsx";

const TOOLS: readonly Tool[] = ["look", "brush", "erase", "rectangle"];
const TOOL_WORDS = { look: "Look", brush: "Brush", erase: "Erase", rectangle: "Rectangle" };

export function Painting() {
  const { session, hands } = useTools();
  const { brush, tool, undoable } = session;
  return (
    <>
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset would be drawn as a box */}
      <span class="ctx-group" role="group" aria-label="What dragging over the picture does">
        {TOOLS.map((each) => (
          <button
            key={each}
            type="button"
            data-tool={each}
            aria-pressed={tool.value === each}
            onClick={() => {
              tool.value = each;
            }}
          >
            {TOOL_WORDS[each]}
          </button>
        ))}
        <small>
          Brush, Erase and Rectangle paint the hole: drag over the {hands.canvas}. Look only looks
        </small>
      </span>
      <label>
        size{" "}
        <input
          type="range"
          data-set="brush"
          min="1"
          max="40"
          step="1"
          value={brush.value}
          onInput={({ currentTarget }) => {
            brush.value = currentTarget.valueAsNumber;
          }}
        />
        <output>{brush.value}</output>
        <small>of the brush, in pixels</small>
      </label>
      <span class="ctx-group">
        <Button name="undo" isDisabled={!undoable.value.length} onClick={() => hands.undo()}>
          Undo
        </Button>
        <Button name="clear" onClick={() => hands.put(null)}>
          No hole
        </Button>
        <Button name="restore" onClick={() => hands.put(session.run.inputs.mask)}>
          First hole
        </Button>
        <small>
          only the mask changes: f and b keep their pixels, also under a new hole. First hole: the
          one at the start
        </small>
      </span>
    </>
  );
}
