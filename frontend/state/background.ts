// The whole output, computed beside the page: in a worker, or where those are forbidden in slices.
import workerLines from "worker:../entries/worker.ts";
import { Attention, type Inputs } from "../engine/attention.ts";
import type { AttentionConfig } from "../engine/config.ts";
import type { WorkerReply } from "../entries/worker.ts";
import type { Result } from "./run.ts";

type Progress = (share: number) => void;

/** Milliseconds of a slice: the page answers in between. */
const SLICE = 12;

/** One job at a time: a newer one ends an older. */
export class Background {
  private end: () => void = () => {};

  /**
   * The result, or null where it was stopped or another job came first.
   *
   * @param progress is told how far it is, from 0 to 1.
   */
  compute(arrays: Inputs, config: AttentionConfig, progress: Progress): Promise<Result | null> {
    this.stop();
    return new Promise((resolve) => {
      let isOver = false;
      let worker: Worker | null = null;
      const settle = (result: Result | null) => {
        isOver = true;
        worker?.terminate();
        resolve(result);
      };
      this.end = () => settle(null);
      const computeHere = () => {
        worker?.terminate();
        if (!isOver) computeInSlices(arrays, config, progress, settle, () => isOver);
      };
      worker = startedWorker();
      if (!worker) {
        computeHere();
        return;
      }
      worker.onmessage = ({ data }: MessageEvent<WorkerReply>) => {
        if (data.done) settle(data.value);
        else progress(data.value);
      };
      worker.onerror = computeHere; // a policy may forbid it only once it loads
      worker.postMessage({ arrays, config });
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

function computeInSlices(
  arrays: Inputs,
  config: AttentionConfig,
  progress: Progress,
  settle: (result: Result) => void,
  isOver: () => boolean,
): void {
  const steps = new Attention(arrays, config).output();
  const slice = () => {
    if (isOver()) return;
    const start = performance.now();
    let step = steps.next();
    while (!step.done && performance.now() - start < SLICE) step = steps.next();
    if (step.done) {
      settle(step.value);
      return;
    }
    progress(step.value);
    setTimeout(slice);
  };
  setTimeout(slice); // another job may come first
}
