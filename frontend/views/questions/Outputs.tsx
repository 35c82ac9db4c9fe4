// Two outputs side by side, A and B, one with fusion and one without.
import { effect } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { FusionQuestion } from "../../protocol.ts";
import type { Result } from "../../state/run.ts";
import { bitmap } from "../bitmap.ts";
import { fitted, PictureCanvas } from "../canvas.ts";
import { coloursOf } from "../colours.ts";
import { useTools } from "../context.ts";
import { bitsOf, strikeOut } from "../hatch.ts";
import { useWidth } from "../width.ts";

type Name = "A" | "B";

export function Outputs({ question }: { question: FusionQuestion }) {
  return (
    <>
      <Output name="A" question={question} />
      <Output name="B" question={question} />
    </>
  );
}

function Output({ name, question }: { name: Name; question: FusionQuestion }) {
  const { session, hands } = useTools();
  const { asker } = hands;
  const section = useRef<HTMLElement>(null);
  const stack = useRef<HTMLDivElement>(null);
  const base = useRef<HTMLCanvasElement>(null);
  const mat = useRef<HTMLDivElement>(null);
  const hatch = useRef<HTMLDivElement>(null);
  const room = useWidth(section);
  useLayoutEffect(() => {
    if (!base.current || !stack.current) return;
    const { style } = stack.current;
    const canvas = new PictureCanvas(base.current);
    return effect(() => {
      const { pixels, ratio } = room.value;
      if (!pixels) return;
      const { H, W } = session.run.inputs;
      const size = fitted(H, W, session.run.config.rate, pixels);
      canvas.resize(size);
      style.width = `${size.width / ratio}px`;
      style.height = `${size.height / ratio}px`;
      mat.current?.classList.toggle("ctx-filled", size.width >= pixels);
      const outputs = asker.outputs.value;
      const result = outputs && (name === question.fused ? outputs.fused : outputs.plain);
      canvas.draw(result && pictureOf(result), null, H, W);
    });
  }, [session, name, question]);
  /** Both in the same colours, whoever computed them. */
  const pictureOf = ({ output }: Result): HTMLCanvasElement => {
    const { run } = session;
    const { H, W } = run.inputs;
    const shown = { run, channel: session.channel.value };
    return bitmap(H, W, coloursOf(shown, output, H * W));
  };
  useLayoutEffect(() => {
    const element = hatch.current;
    const { H, W } = session.run.inputs;
    if (element) return effect(() => strikeOut(element, bitsOf("output", session), H, W));
  }, [session]);
  const isOpen = session.questions.isOpen.value;
  return (
    <section
      ref={section}
      class={`ctx-panel ctx-ask-output ctx-ask-output-${name}`}
      aria-label={`output ${name}`}
      data-chosen={(isOpen ? session.questions.guess.value : null) === name}
    >
      <header class="ctx-head">
        <h3>{name}</h3>
        <small>
          {isOpen ? "" : answerWords(name, question, session.questions.answer.value?.guess)}
        </small>
      </header>
      <div class="ctx-mat" ref={mat}>
        {/* biome-ignore lint/a11y/useKeyWithClickEvents: the choices above take keys */}
        {/* biome-ignore lint/a11y/noStaticElementInteractions: as above */}
        <div
          class="ctx-stack"
          ref={stack}
          onClick={() => {
            if (isOpen) asker.choose(name);
          }}
        >
          <canvas data-output={name} ref={base} />
          <div class="ctx-hatch" ref={hatch} hidden />
        </div>
      </div>
      <footer class="ctx-below-picture">
        <p class="ctx-caption">
          <Waiting />
        </p>
      </footer>
    </section>
  );
}

/** "with fusion · yours" */
function answerWords(name: Name, question: FusionQuestion, guess: unknown): string {
  const truth = name === question.fused ? "with fusion" : "without fusion";
  return guess === name ? `${truth} · yours` : truth;
}

/** The second output takes a while where the picture is large. */
function Waiting() {
  const { asker } = useTools().hands;
  if (asker.outputs.value) return <>inside the line lies the hole</>;
  const share = asker.progress.value;
  return (
    <span class="ctx-adding">
      <progress aria-label="The outputs are being computed" value={share} />{" "}
      {`being computed: ${Math.round(100 * share)} %`}
    </span>
  );
}
