// Two runs of the same inputs: A, kept, beside B, the present one.
import { useLayoutEffect, useRef } from "preact/hooks";
import { type ColourRange, paint, rangeOf } from "../engine/colour.ts";
import type { AttentionConfig } from "../engine/config.ts";
import { type Difference, firstDifference } from "../engine/difference.ts";
import { WEIGHTS } from "../engine/roles.ts";
import { STAGE_KEYS } from "../generated/stages.ts";
import type { Run } from "../state/run.ts";
import type { Scene } from "../state/scene.ts";
import { type Colours, paintOn } from "./bitmap.ts";
import { coloursOf } from "./colours.ts";
import { useTools } from "./context.ts";
import { digits } from "./format.ts";
import { Link } from "./numbers.tsx";

export function Comparison() {
  const { session } = useTools();
  const pinned = session.pinned.value;
  return (
    <section class="ctx-compare" aria-label="Comparison" hidden={!pinned}>
      {pinned && <Sides A={pinned} scene={session.scene.value} />}
    </section>
  );
}

function Sides({ A, scene }: { A: Run; scene: Scene }) {
  const { run: B, sample, query, p } = scene;
  const a = A.attention(sample);
  const cell = query && a.at(query, B.config);
  const pA = cell ? cell[0] * a.w + cell[1] : -1;
  const changes = changesOf(A.config, B.config);
  return (
    <>
      <header>
        <h3>A beside B</h3>
        {changes && <p class="ctx-dim">A → B: {changes}</p>}
      </header>
      <FirstToDiffer difference={firstDifference(a, scene.attention, pA, p, STAGE_KEYS)} />
      <div class="ctx-figures">
        {p >= 0 && <Rows A={A} pA={pA} scene={scene} />}
        <Outputs A={A} scene={scene} />
      </div>
    </>
  );
}

function changesOf(before: AttentionConfig, after: AttentionConfig): string {
  const names = Object.keys(after) as (keyof AttentionConfig)[];
  return names
    .filter((name) => before[name] !== after[name])
    .map((name) => `${name} ${before[name]} → ${after[name]}`)
    .join(", ");
}

function FirstToDiffer({ difference }: { difference: Difference | null }) {
  const { session, kernel } = useTools();
  const { registry } = session.run.inputs.meta;
  const compared = (
    <small>Compared are the shrunk maps, the patches, and the rows of this query.</small>
  );
  if (!difference) return <p>Nothing differs: change a setting or the hole. {compared}</p>;
  const { stage, most } = difference;
  return (
    <p>
      <b>
        First to differ:{" "}
        <Link onClick={() => kernel.publish({ stage })}>
          {registry.find(({ key }) => key === stage)?.title}
        </Link>
      </b>{" "}
      ({stage}), {most === null ? "in shape" : `by at most ${digits(most)}`}. {compared}
    </p>
  );
}

/** The query's row in both runs, and what lies between them. */
function Rows({ A, pA, scene }: { A: Run; pA: number; scene: Scene }) {
  const { attention: b, sample, p, run } = scene;
  const a = A.attention(sample);
  const stage = scene.rowStage ?? WEIGHTS;
  const title = run.inputs.meta.registry.find(({ key }) => key === stage)?.title;
  const x = a.row(stage, pA);
  const y = b.row(stage, p);
  const range = rangeOf([...x, ...y], stage !== WEIGHTS);
  return (
    <>
      <HeatMap values={x} rows={a.gh} cols={a.gw} range={range} words={`A: ${title}`} />
      <HeatMap values={y} rows={b.gh} cols={b.gw} range={range} words={`B: ${title}`} />
      {x.length === y.length && (
        <Gap
          values={Float64Array.from(y, (value, i) => value - x[i])}
          rows={b.gh}
          cols={b.gw}
          isSigned={true}
          of={title ?? stage}
        />
      )}
    </>
  );
}

function Outputs({ A, scene }: { A: Run; scene: Scene }) {
  const { run: B, sample, channel } = scene;
  const { H, W } = B.inputs;
  const [x, y] = [A.known(sample)?.output, B.known(sample)?.output];
  const drawn = (run: Run, output: Float32Array, words: string) => (
    <Small rows={H} cols={W} colours={coloursOf({ run, channel }, output, H * W)} words={words} />
  );
  return (
    <>
      {x && drawn(A, x, "A: output")}
      {y && drawn(B, y, "B: output")}
      {x && y && (
        <Gap values={mostOf(x, y, H * W)} rows={H} cols={W} isSigned={false} of="the output" />
      )}
    </>
  );
}

/** The largest difference over the channels, at each of `area` pixels. */
function mostOf(x: Float32Array, y: Float32Array, area: number): Float32Array {
  const most = new Float32Array(area);
  x.forEach((value, i) => {
    most[i % area] = Math.max(most[i % area], Math.abs(value - y[i]));
  });
  return most;
}

interface Grid {
  rows: number;
  cols: number;
}

interface HeatMapProps extends Grid {
  values: ArrayLike<number>;
  range: ColourRange;
  words: string;
}

const HeatMap = ({ values, range, ...rest }: HeatMapProps) => (
  <Small colours={(i) => paint(values[i], range)} {...rest} />
);

interface GapProps extends Grid {
  values: Float32Array | Float64Array;
  isSigned: boolean;
  of: string;
}

function Gap({ values, isSigned, of, ...grid }: GapProps) {
  const range = rangeOf(values, isSigned);
  const most = values.some(Boolean) ? digits(range.high) : "0";
  return (
    <HeatMap values={values} range={range} words={`B − A of ${of}, up to ${most}`} {...grid} />
  );
}

function Small({ rows, cols, colours, words }: Grid & { colours: Colours; words: string }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useLayoutEffect(() => {
    if (canvas.current) paintOn(canvas.current, rows, cols, colours);
  });
  return (
    <figure class="ctx-small">
      <canvas ref={canvas} />
      <figcaption>{words}</figcaption>
    </figure>
  );
}
