// What takes all rows of a run: in a worker, or in slices where those are forbidden.
import { Attention, type Inputs, type Output } from "./attention.ts";
import type { AttentionConfig } from "./config.ts";
import { mapsOf, type RowMaps } from "./maps.ts";

/** Of each job what it tells on its way, and what it comes to. */
export interface Jobs {
  output: { progress: number; result: Output };
  maps: { progress: RowMaps; result: RowMaps };
}

export type JobName = keyof Jobs;
export type Progress<Name extends JobName> = Jobs[Name]["progress"];
export type Result<Name extends JobName> = Jobs[Name]["result"];
type Steps<Name extends JobName> = Generator<Progress<Name>, Result<Name>>;

export interface Task<Name extends JobName> {
  job: Name;
  arrays: Inputs;
  config: AttentionConfig;
}

const BEGIN: { [Name in JobName]: (attention: Attention) => Steps<Name> } = {
  output: (attention) => attention.output(),
  maps: mapsOf,
};

export function stepsOf<Name extends JobName>({ job, arrays, config }: Task<Name>): Steps<Name> {
  return BEGIN[job](new Attention(arrays, config));
}
