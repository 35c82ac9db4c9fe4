// Fuse ↔: the first pass adds up along the rows of both grids.
import { Fusion, fusionMarks, type Pass } from "./fusion.tsx";
import type { InspectorProps, Step } from "./step.ts";

const PASS: Pass = { stage: "fused_rows", before: "scores" };

const Inspector = ({ scene }: InspectorProps) => <Fusion scene={scene} pass={PASS} />;

export const fuseRows: Step = {
  name: "Fuse ↔",
  rowStage: () => "fused_rows",
  shape: (_stage, run, { h, w, L }) => [run.inputs.n, h, w, L],
  values: (_stage, { attention, p }) => attention.row("fused_rows", p),
  marks: (view, scene) => fusionMarks(view, scene, PASS),
  Inspector,
};
