// Above a picture: its name and its own tools.
import type { RefObject } from "preact";
import type { Span, ViewName } from "../state/scene.ts";
import type { Session } from "../state/session.ts";
import { canSubtract, type Side, sideOf } from "../state/sides.ts";
import { stepOf } from "../steps/index.ts";
import { linesOf } from "../takeaway/legend.ts";
import { type PictureParts, savePng, saveSvg } from "../takeaway/view.ts";
import { heatOf, titleOf } from "./captions.tsx";
import { useTools } from "./context.ts";
import { Decibels } from "./Decibels.tsx";
import { bitsOf } from "./hatch.ts";
import { useHint } from "./hints.ts";
import { Menu, type MenuItem } from "./Menu.tsx";
import { MapMenu } from "./maps/MapMenu.tsx";
import { doubtOver } from "./maps/over.ts";
import { MAP_WORDS } from "./maps/words.ts";
import { arrowsOf, labelledMarks, shapeOf } from "./overlays.tsx";
import { Palette } from "./Palette.tsx";
import { Button, Choice } from "./pieces.tsx";

interface PictureHeadProps {
  view: ViewName;
  canvas: RefObject<HTMLCanvasElement | null>;
}

const NAMES = { foreground: "Foreground", background: "Background", output: "Output" } as const;

export function PictureHead({ view, canvas }: PictureHeadProps) {
  const { hands } = useTools();
  return (
    <header class="ctx-head">
      <h3>{NAMES[view]}</h3>
      {view === "output" && <OutputState />}
      {view === "output" && <Decibels />}
      {view === "background" && <Sides />}
      {view === "background" && <SpanChoice />}
      {view === hands.canvas && <Palette />}
      {view === "foreground" && <MapMenu />}
      <More view={view} canvas={canvas} />
    </header>
  );
}

/** How far the output is; at the flow, that this stands in its place. */
function OutputState() {
  const { session } = useTools();
  const { stage, run: B, pinned, side, sample } = session.scene.value;
  const run = side === "A" && pinned ? pinned : B;
  const progress = session.progress.value;
  let words = "";
  if (progress !== null) words = `computing, ${Math.round(100 * progress)} %${timeLeft(session)}`;
  else if (!run.latest(sample)) words = "none yet";
  else if (stepOf(stage).showsFlow) words = "offset flow";
  else if (!run.known(sample)) words = "from before the change";
  return (
    <>
      <small class="ctx-state">{words}</small>
      {progress !== null && <Cancel />}
    </>
  );
}

const LONG = 2; // seconds: what is quicker needs no word

function timeLeft({ progress, seconds }: Session): string {
  const left = (seconds.value ?? 0) * (1 - (progress.value ?? 0));
  return left < LONG ? "" : `, about ${Math.ceil(left)} s`;
}

function Cancel() {
  const { kernel } = useTools();
  const help = "Stops computing the output: that of before stays on screen.";
  return (
    <Button name="cancel" help={help} onClick={() => kernel.cancel()}>
      Cancel
    </Button>
  );
}

const SPANS: readonly Span[] = ["row", "stage", "everything"];
const SPAN_WORDS = { row: "this query", stage: "this stage", everything: "everything" };

function SpanChoice() {
  const { span } = useTools().session;
  return (
    <Choice
      name="range"
      label="colours span"
      help="Which numbers reach from end to end of the colour map."
      value={span.value}
      values={SPANS}
      words={(value) => SPAN_WORDS[value]}
      onChoice={(value) => {
        span.value = value;
      }}
    />
  );
}

const SIDES: readonly Side[] = ["A", "B", "difference"];
const SIDE_WORDS = { A: "A", B: "B", difference: "B − A" };

/** With A pinned: whose map lies over the background, and whose output is shown. */
function Sides() {
  const { session } = useTools();
  const { run } = session;
  const hint = useHint("A is the run that you pinned, B the present one; or what differs.");
  const A = session.pinned.value;
  if (!A) return null;
  const side = sideOf({ run, pinned: A, side: session.side.value });
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset would be drawn as a box
    <div class="ctx-segment" role="group" aria-label="A or B" {...hint}>
      {SIDES.map((each) => (
        <button
          key={each}
          type="button"
          data-side={each}
          aria-pressed={side === each}
          disabled={each === "difference" && !canSubtract(A, run)}
          onClick={() => {
            session.side.value = each;
          }}
        >
          {SIDE_WORDS[each]}
        </button>
      ))}
    </div>
  );
}

function More({ view, canvas }: PictureHeadProps) {
  const { session, hands } = useTools();
  const items: MenuItem[] = [];
  if (view === hands.canvas) {
    const { mask } = session.run.inputs;
    items.push(
      { name: "clear", words: "No hole", onChoose: () => hands.put(null) },
      { name: "restore", words: "First hole", onChoose: () => hands.put(mask) },
    );
  }
  if (view === "background") {
    const openTable = () => {
      session.showsTable.value = true;
    };
    items.push({ name: "table", words: "Table of the map (T)", onChoose: openTable });
  }
  const save = async (saveAs: typeof savePng | typeof saveSvg, ending: string) => {
    if (!canvas.current) return;
    const name = `${session.stage.value}-${view}.${ending}`;
    const ratio = window.devicePixelRatio;
    try {
      await saveAs(partsOf(view, session, canvas.current), ratio, name);
      session.message.value = `Saved as ${name}.`;
    } catch (error) {
      session.message.value = (error as Error).message;
    }
  };
  items.push(
    { name: "view-png", words: "Save PNG", onChoose: () => save(savePng, "png") },
    { name: "view-svg", words: "Save SVG", onChoose: () => save(saveSvg, "svg") },
  );
  const help = `The ${view} as a file, and what else can be done with it.`;
  return <Menu label={`More of the ${view}`} help={help} icon="more" items={items} />;
}

/** What is seen of a picture. */
function partsOf(view: ViewName, session: Session, canvas: HTMLCanvasElement): PictureParts {
  const scene = session.scene.value;
  const [rows, cols] = shapeOf(view, scene);
  const doubt = doubtOver(view, scene);
  const title = doubt ? MAP_WORDS[doubt.name].label : titleOf(scene);
  return {
    canvas,
    rows,
    cols,
    marks: labelledMarks(view, scene, canvas.width / window.devicePixelRatio / cols),
    arrows: arrowsOf(view, scene),
    hole: bitsOf(view, session),
    onlyEdge: view === "output" || doubt !== null,
    legend: {
      lines: [`${NAMES[view]} at ${title}: ${scene.run.inputs.meta.title}`, ...linesOf(scene)],
      range: heatOf(view, scene)?.range ?? null,
    },
  };
}
