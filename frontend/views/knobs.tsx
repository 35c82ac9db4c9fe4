// The settings, each to stand under the step that it changes.
import { useTools } from "./context.ts";
import { digits } from "./format.ts";
import { Check, Choice, Slider } from "./pieces.tsx";

const SIDES = [1, 3, 5, 7];
const RATES = [1, 2, 3, 4, 5, 6, 7, 8];

const sidesWith = (side: number) => [...new Set([...SIDES, side])].sort((a, b) => a - b);

export function RateKnob() {
  const { session, kernel } = useTools();
  const { config, inputs } = session.run;
  const sizes = [inputs.H, inputs.W, inputs.Hb, inputs.Wb];
  return (
    <Choice
      name="rate"
      help="How much the maps are shrunk before matching; half the rate is 16 times the work."
      value={config.rate}
      values={RATES.filter((rate) => sizes.every((size) => size % rate === 0))}
      onChoice={(rate) => kernel.change({ rate })}
    />
  );
}

export function KsizeKnob() {
  const { session, kernel } = useTools();
  const { ksize } = session.run.config;
  return (
    <Choice
      name="ksize"
      help="Side of the patches that are compared, in cells."
      value={ksize}
      values={sidesWith(ksize)}
      onChoice={(side) => kernel.change({ ksize: side })}
    />
  );
}

export function FuseKnobs() {
  const { session, kernel } = useTools();
  const { fuse, fuse_k } = session.run.config;
  return (
    <>
      <Check
        name="fuse"
        help="Add the scores of neighbours that match side by side."
        isChecked={fuse}
        onCheck={(isChecked) => kernel.change({ fuse: isChecked })}
      />
      <Choice
        name="fuse_k"
        help="How many scores each of the two passes adds up."
        value={fuse_k}
        values={sidesWith(fuse_k)}
        onChoice={(side) => kernel.change({ fuse_k: side })}
      />
    </>
  );
}

export function ScaleKnob() {
  const { session, kernel } = useTools();
  const { softmax_scale } = session.run.config;
  return (
    <Slider
      name="softmax_scale"
      label="scale"
      help="softmax_scale. Larger: one match takes all; 0: all alike."
      value={softmax_scale}
      min={0}
      max={50}
      step={0.5}
      shown={digits(softmax_scale)}
      onSlide={(scale) => kernel.change({ softmax_scale: scale })}
    />
  );
}
