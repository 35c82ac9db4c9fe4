// A job on all rows, done beside the page: in a worker, or where those are forbidden in slices.
import workerLines from "worker:../entries/worker.ts";
import type { Inputs } from "../engine/attention.ts";
import type { AttentionConfig } from "../engine/config.ts";
import { type JobName, type Progress, type Result, stepsOf, type Task } from "../engine/jobs.ts";
import type { WorkerReply } from "../entries/worker.ts";

/** Milliseconds of a slice: the page answers in between. */
const SLICE = 12;

/** One at a time: a newer one ends an older. */
export class Background<Name extends JobName> {
  private readonly job: Name;
  private end: () => void = () => {};

  constructor(job: Name) {
    this.job = job;
  }

  /**
   * The result, or null where it was stopped or another one came first.
   *
   * @param onProgress is told what is done.
   */
  compute(
    arrays: Inputs,
    config: AttentionConfig,
    onProgress: (progress: Progress<Name>) => void,
  ): Promise<Result<Name> | null> {
    const task: Task<Name> = { job: this.job, arrays, config };
    this.stop();
    return new Promise((resolve) => {
      let isOver = false;
      let worker: Worker | null = null;
      const settle = (result: Result<Name> | null) => {
        isOver = true;
        worker?.terminate();
        resolve(result);
      };
      this.end = () => settle(null);
      const computeHere = () => {
        worker?.terminate();
        if (!isOver) computeInSlices(task, onProgress, settle, () => isOver);
      };
      worker = startedWorker();
      if (!worker) {
        computeHere();
        return;
      }
      worker.onmessage = ({ data }: MessageEvent<WorkerReply<Name>>) => {
        if (data.done) settle(data.value);
        else onProgress(data.value);
      };
      worker.onerror = computeHere; // a policy may forbid it only once it loads
      worker.postMessage(task);
    });
  }

  stop(): void {
    this.end();
    this.end = () => {};
  }
}

/** Null where this page may start none. */
function startedWorker(): Worker | null {
  try {
    // No module worker: those do not start from a page on disk.
    const url = URL.createObjectURL(new Blob([workerLines.join("\n")]));
    const worker = new Worker(url);
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
    return worker;
  } catch {
    return null;
  }
}

function computeInSlices<Name extends JobName>(
  task: Task<Name>,
  onProgress: (progress: Progress<Name>) => void,
  settle: (result: Result<Name>) => void,
  isOver: () => boolean,
): void {
  const steps = stepsOf(task);
  const slice = () => {
    if (isOver()) return;
    const start = performance.now();
    let step = steps.next();
    while (!step.done && performance.now() - start < SLICE) step = steps.next();
    if (step.done) {
      settle(step.value);
      return;
    }
    onProgress(step.value);
    setTimeout(slice);
  };
  setTimeout(slice); // another one may come first
}
