// The tools at the picture that is painted: what a drag over it does.
import type { Tool } from "../state/session.ts";
import { useTools } from "./context.ts";
import { useHint } from "./hints.ts";
import { Icon } from "./icons.tsx";
import { Button, Slider } from "./pieces.tsx";

interface ToolDescription {
  readonly tool: Tool;
  readonly label: string;
  readonly help: string;
}

const TOOLS: readonly ToolDescription[] = [
  { tool: "look", label: "Look", help: "Move to look at a cell, click to keep it." },
  {
    tool: "region",
    label: "Region",
    help: "Drag a box (by keys: Enter, arrows, Enter): where all its cells together take from.",
  },
  { tool: "brush", label: "Brush", help: "Drag to add to the hole; f and b keep their pixels." },
  { tool: "erase", label: "Erase", help: "Drag to take from the hole." },
  { tool: "rectangle", label: "Rectangle", help: "Drag to add a rectangle to the hole." },
];

export function Palette() {
  const { session, hands } = useTools();
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset would be drawn as a box
    <div class="ctx-palette" role="group" aria-label="What dragging over the picture does">
      {TOOLS.map((description) => (
        <ToolButton key={description.tool} {...description} />
      ))}
      <i aria-hidden="true" />
      <Button
        name="undo"
        label="Undo"
        icon="undo"
        help="Takes back what was painted last."
        class="ctx-tool"
        isDisabled={session.undoable.value.length === 0}
        onClick={() => hands.undo()}
      />
    </div>
  );
}

function ToolButton({ tool, label, help }: ToolDescription) {
  const { session, hands } = useTools();
  return (
    <button
      type="button"
      class="ctx-tool"
      data-tool={tool}
      aria-label={label}
      aria-pressed={session.tool.value === tool}
      title={label}
      onClick={() => {
        hands.choose(tool);
      }}
      {...useHint(help)}
    >
      <Icon name={tool} />
    </button>
  );
}

const LARGEST_BRUSH = 40; // pixels

/** Whether the chosen tool has a size. */
export const hasSize = (tool: Tool): boolean => tool === "brush" || tool === "erase";

export function BrushSize() {
  const { brush } = useTools().session;
  return (
    <Slider
      name="brush"
      label="size"
      help="Diameter of the brush, in pixels."
      value={brush.value}
      min={1}
      max={LARGEST_BRUSH}
      step={1}
      shown={String(brush.value)}
      onSlide={(size) => {
        brush.value = size;
      }}
    />
  );
}
