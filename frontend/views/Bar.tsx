// The bar: what this is, what just happened, and what is seldom used.
import { useRef } from "preact/hooks";
import { sameMask } from "../state/arrays.ts";
import type { Session } from "../state/session.ts";
import { type Actions, useActions } from "./actions.ts";
import { useTools } from "./context.ts";
import { Keys } from "./Keys.tsx";
import { Menu, type MenuItem } from "./Menu.tsx";
import { Button, Choice } from "./pieces.tsx";

const upTo = (count: number): number[] => [...Array(count).keys()];

const SUBJECT = "Contextual attention";

/** A title without the subject that it may begin with: alone where there is little room. */
const nameOf = (title: string): string =>
  title.startsWith(`${SUBJECT}: `) ? title.slice(SUBJECT.length + 2) : title;

export function Bar() {
  const { session } = useTools();
  const actions = useActions();
  const { title } = session.run.inputs.meta;
  return (
    <header class="ctx-bar">
      {/* biome-ignore lint/a11y/useSemanticElements: a notebook has its own headings */}
      <p class="ctx-title" role="heading" aria-level={1} title={title}>
        {title !== SUBJECT && <span>{SUBJECT}: </span>}
        <b>{nameOf(title)}</b>
      </p>
      <Status />
      <div class="ctx-acts">
        <Samples />
        <Channels />
        <Dialects />
        <Questions />
        <Photograph actions={actions} />
        <Pin />
        <TakeAway actions={actions} />
        <Keys />
      </div>
    </header>
  );
}

/** Sizes and device; while a control is pointed at, what it does; then what happened. */
function Status() {
  const { session } = useTools();
  const { hint, message } = session;
  const text = hint.value || message.value || changesOf(session) || lossOf(session);
  return (
    <p class="ctx-status" role="status" data-speaks={text !== ""} title={text || undefined}>
      {text || <Facts />}
    </p>
  );
}

/** Where there is little room, facts are not shown; this is. */
function lossOf({ offline, document }: Session): string {
  const swap = document.value?.swap.value;
  if (swap?.isRemote && offline.value) return LOST_ROWS;
  return offline.value ? "The kernel is gone: all of this still works, in this page." : "";
}

const LOST_ROWS = "The kernel is gone, which has the rows of what was swapped: A still works.";

/** What was changed since A was pinned. */
function changesOf({ pinned, run }: Session): string {
  const A = pinned.value;
  if (!A) return "";
  const names = Object.keys(run.config) as (keyof typeof run.config)[];
  const changes = names
    .filter((name) => A.config[name] !== run.config[name])
    .map((name) => `${name} ${A.config[name]} → ${run.config[name]}`);
  if (!sameMask(A.mask, run.mask)) changes.push("another hole");
  const swap = run.swap.value;
  const others = swap?.stages.filter(({ key }) => A.swap.value?.stageOf(key) !== swap.stageOf(key));
  for (const { key, name } of others ?? []) changes.push(`${key} by ${name}`);
  return `A → B: ${changes.join(", ") || "nothing differs yet, change a setting or the hole"}`;
}

function Facts() {
  const { session } = useTools();
  const { inputs } = session.run;
  const { meta, n, c, H, W, Hb, Wb, sameSize } = inputs;
  const { h, w } = session.attention;
  const batch = n > 1 ? `${n} × ` : "";
  const sizes = sameSize
    ? `f and b ${batch}${c} × ${H} × ${W}`
    : `f ${batch}${c} × ${H} × ${W}, b ${c} × ${Hb} × ${Wb}`;
  const place = session.alone ? "in this page" : `${meta.device}, ${meta.dtype}`;
  return (
    <>
      {sizes} · {h} × {w} cells · {place}
    </>
  );
}

function Samples() {
  const { session, kernel } = useTools();
  const { n } = session.run.inputs;
  if (n < 2) return null;
  return (
    <Choice
      name="sample"
      help="Which picture of the batch."
      value={session.sample.value}
      values={upTo(n)}
      onChoice={(sample) => kernel.publish({ sample })}
    />
  );
}

const ALL = -1;

function Channels() {
  const { session } = useTools();
  const { c } = session.run.inputs;
  if (c < 2) return null;
  return (
    <Choice
      name="channel"
      help="One channel in the signed map, in every picture."
      value={session.channel.value ?? ALL}
      values={[ALL, ...upTo(c)]}
      words={(channel) => (channel === ALL ? "all" : String(channel))}
      onChoice={(channel) => {
        session.channel.value = channel === ALL ? null : channel;
      }}
    />
  );
}

function Dialects() {
  const { session, kernel } = useTools();
  const { config, inputs } = session.run;
  const { dialects } = inputs.meta;
  const names = Object.keys(dialects) as (keyof typeof dialects)[];
  return (
    <Choice
      name="dialect"
      help="Shrinking, norms, masking and overlap as this code has them."
      value={config.dialect}
      values={config.dialect === "custom" ? [...names, "custom"] : names}
      settings={Object.keys(inputs.meta.choices)}
      onChoice={(name) => {
        if (name !== "custom") kernel.change(dialects[name]);
      }}
    />
  );
}

/** Where questions were asked: looks at the last one again. */
function Questions() {
  const { session, hands } = useTools();
  const { list, question } = session.questions;
  if (!list.value.length || question.value) return null;
  return (
    <Button
      name="questions"
      help="The questions that were asked, and what was answered."
      onClick={() => hands.asker.back()}
    >
      Questions
    </Button>
  );
}

function Photograph({ actions }: { actions: Actions }) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <Button
        name="photograph"
        help="Your own: cropped to fit, with a hole in its middle, filled smoothly. Or drop one."
        onClick={() => input.current?.click()}
      >
        Photograph…
      </Button>
      <input
        ref={input}
        type="file"
        accept="image/*"
        class="ctx-hidden"
        tabIndex={-1}
        aria-label="a photograph of your own"
        onChange={({ currentTarget }) => {
          const file = currentTarget.files?.[0];
          if (file) actions.bring(file); // none: the chooser was cleared
          currentTarget.value = ""; // so that the same file can be chosen again
        }}
      />
    </>
  );
}

function Pin() {
  const { pinned, document } = useTools().session;
  const isPinned = pinned.value !== null;
  return (
    <Button
      name="pin"
      help={
        isPinned
          ? "Lets A go: the present run stays, alone."
          : "Keeps this run as A: change anything and see B beside it, along the whole strip."
      }
      onClick={() => {
        pinned.value = isPinned ? null : document.value;
      }}
    >
      {isPinned ? "Unpin A" : "Pin as A"}
    </Button>
  );
}

function TakeAway({ actions }: { actions: Actions }) {
  const { address } = useTools();
  const items: MenuItem[] = [
    { name: "python", words: "Copy as Python", onChoose: actions.copyPython },
    { name: "png", words: "Save PNG", onChoose: actions.savePicture },
    { name: "page", words: "Save page", onChoose: actions.savePage },
  ];
  if (address) items.push({ name: "link", words: "Copy link", onChoose: () => address.copyLink() });
  return (
    <Menu
      label="Take away"
      help="This view as code, as a picture, or as a page that works without a kernel."
      items={items}
    />
  );
}
