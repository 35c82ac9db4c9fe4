// Fuse ↕: the second pass adds up along the columns what the first has added along the rows.
import { digits } from "../views/format.ts";
import { Thumbnails } from "../views/thumbnails.tsx";
import { Fusion, FusionSentence, fusionMarks, type Pass } from "./fusion.tsx";
import { scoreMap } from "./miniatures.ts";
import type { InspectorProps, Step } from "./step.ts";

const PASS: Pass = {
  stage: "fused_scores",
  before: "fused_rows",
  neighbours: "With the rows above and below",
};
const PICTURES = [scoreMap("fused_scores")];

const Sentence = ({ scene }: InspectorProps) => <FusionSentence scene={scene} pass={PASS} />;
const Inspector = ({ scene }: InspectorProps) => <Fusion scene={scene} pass={PASS} />;

export const fuseColumns: Step = {
  name: "Fuse ↕",
  short: "Fuse ↕",
  Sentence,
  value: ({ attention, p, q }) => (p < 0 ? "" : digits(attention.row("fused_scores", p)[q])),
  Thumbnail: () => <Thumbnails step={fuseColumns} pictures={PICTURES} />,
  rowStage: () => "fused_scores",
  shape: (_stage, run, { h, w, L }) => [run.inputs.n, h, w, L],
  values: (_stage, { attention, p }) => attention.row("fused_scores", p),
  marks: (view, scene) => fusionMarks(view, scene, PASS),
  Inspector,
};
