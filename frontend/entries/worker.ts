// The whole output, off the page's thread: sent the inputs and settings of a run, it answers with
// the share that is done, again and again, and at last with the output.
import { Attention, type Inputs, type Output } from "../engine/attention.ts";
import type { AttentionConfig } from "../engine/config.ts";

export interface WorkerRequest {
  arrays: Inputs;
  config: AttentionConfig;
}

export type WorkerReply = IteratorResult<number, Output>;

globalThis.onmessage = ({ data }: MessageEvent<WorkerRequest>) => {
  const steps = new Attention(data.arrays, data.config).output();
  let reply: WorkerReply;
  do {
    reply = steps.next();
    globalThis.postMessage(reply);
  } while (!reply.done);
};
