// The whole output, computed off the page's thread.
import workerLines from "worker:../entries/worker.ts";
import type { AttentionConfig } from "../engine/config.ts";
import type { Result, Run } from "./run.ts";

type Reply = { done: false; value: number } | { done: true; value: Result };

/** One job at a time: a newer one ends an older. */
export class Background {
  private worker: Worker | null = null;
  private settle: ((result: Result | null) => void) | null = null;

  /**
   * The result, or null where another job came first.
   *
   * @param progress is told how far it is, from 0 to 1.
   */
  compute(
    arrays: ReturnType<Run["arrays"]>,
    config: AttentionConfig,
    progress: (share: number) => void,
  ): Promise<Result | null> {
    this.stop();
    // No module worker: those do not start from a page on disk.
    const url = URL.createObjectURL(new Blob([workerLines.join("\n")]));
    const worker = new Worker(url);
    this.worker = worker;
    return new Promise((resolve) => {
      this.settle = (result) => {
        URL.revokeObjectURL(url);
        resolve(result);
      };
      worker.onmessage = ({ data }: MessageEvent<Reply>) => {
        if (data.done) this.stop(data.value);
        else progress(data.value);
      };
      worker.onerror = () => this.stop();
      worker.postMessage({ arrays, config });
    });
  }

  stop(result: Result | null = null): void {
    this.worker?.terminate();
    this.worker = null;
    this.settle?.(result);
    this.settle = null;
  }
}
