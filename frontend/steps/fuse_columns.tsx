// Fuse ↕: the second pass adds up along the columns what the first has added along the rows.
import { Fusion, fusionMarks, type Pass } from "./fusion.tsx";
import type { InspectorProps, Step } from "./step.ts";

const PASS: Pass = { stage: "fused_scores", before: "fused_rows" };

const Inspector = ({ scene }: InspectorProps) => <Fusion scene={scene} pass={PASS} />;

export const fuseColumns: Step = {
  name: "Fuse ↕",
  rowStage: () => "fused_scores",
  shape: (_stage, run, { h, w, L }) => [run.inputs.n, h, w, L],
  values: (_stage, { attention, p }) => attention.row("fused_scores", p),
  marks: (view, scene) => fusionMarks(view, scene, PASS),
  Inspector,
};
