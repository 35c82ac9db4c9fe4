// Stages and the steps that they belong to.
import {
  STAGE_KEYS,
  STAGES_OF_STEP,
  STEP_KEYS,
  type StageKey,
  type StepKey,
} from "../generated/stages.ts";

export const isStageKey = (value: unknown): value is StageKey =>
  STAGE_KEYS.some((key) => key === value);

export const stagesOf = (step: StepKey): readonly StageKey[] => STAGES_OF_STEP[step];

export function stepNameOf(stage: StageKey): StepKey {
  const name = STEP_KEYS.find((step) => stagesOf(step).includes(stage));
  if (!name) throw new Error(`No step shows the stage ${stage}.`);
  return name;
}
