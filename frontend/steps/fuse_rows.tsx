// Fuse ↔: the first pass adds up along the rows of both grids.
import { digits } from "../views/format.ts";
import { FuseKnobs } from "../views/knobs.tsx";
import { Thumbnails } from "../views/thumbnails.tsx";
import { Fusion, FusionSentence, fusionMarks, type Pass } from "./fusion.tsx";
import { scoreMap } from "./miniatures.ts";
import type { InspectorProps, Step } from "./step.ts";

const PASS: Pass = {
  stage: "fused_rows",
  before: "scores",
  neighbours: "With its neighbours in the row",
};
const PICTURES = [scoreMap("fused_rows")];

const Sentence = ({ scene }: InspectorProps) => <FusionSentence scene={scene} pass={PASS} />;
const Inspector = ({ scene }: InspectorProps) => <Fusion scene={scene} pass={PASS} />;

export const fuseRows: Step = {
  name: "Fuse ↔",
  short: "Fuse ↔",
  Sentence,
  value: ({ attention, p, q }) => (p < 0 ? "" : digits(attention.row("fused_rows", p)[q])),
  Thumbnail: () => <Thumbnails step={fuseRows} pictures={PICTURES} />,
  Foot: FuseKnobs,
  footSpan: 2, // both passes
  rowStage: () => "fused_rows",
  shape: (_stage, run, { h, w, L }) => [run.inputs.n, h, w, L],
  values: (_stage, { attention, p }) => attention.row("fused_rows", p),
  marks: (view, scene) => fusionMarks(view, scene, PASS),
  Inspector,
};
