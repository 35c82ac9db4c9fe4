// A job off the page's thread: sent the inputs and settings of a run, it answers again and again
// with what is done, and at last with the result.
import { type JobName, type Progress, type Result, stepsOf, type Task } from "../engine/jobs.ts";

export type WorkerReply<Name extends JobName> = IteratorResult<Progress<Name>, Result<Name>>;

/** Milliseconds between two answers: nobody sees more of them. */
const EVERY = 40;

globalThis.onmessage = ({ data }: MessageEvent<Task<JobName>>) => {
  const steps = stepsOf(data);
  let last = 0;
  let reply: WorkerReply<JobName>;
  do {
    reply = steps.next();
    const now = performance.now();
    if (reply.done || now - last > EVERY) {
      globalThis.postMessage(reply);
      last = now;
    }
  } while (!reply.done);
};
