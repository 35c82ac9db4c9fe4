// The mechanism of a step, watched: whether it is open, at which tick it stands, whether it plays.
import { batch, signal } from "@preact/signals";
import { clamp } from "../engine/numbers.ts";

export class Playback {
  readonly isOpen = signal(false);
  readonly tick = signal(0);
  readonly isPlaying = signal(false);
  /** The last tick of what is on screen; whoever draws it says so. */
  readonly last = signal(0);

  toggle(): void {
    batch(() => {
      this.isOpen.value = !this.isOpen.value;
      this.rewind();
    });
  }

  /** Back to the first tick, standing still. */
  rewind(): void {
    this.isPlaying.value = false;
    this.tick.value = 0;
  }

  /** Stand still at a tick. */
  stand(tick: number): void {
    batch(() => {
      this.isPlaying.value = false;
      this.tick.value = clamp(tick, this.last.value + 1);
    });
  }

  step(by: number): void {
    this.stand(clamp(this.tick.value, this.last.value + 1) + by);
  }

  /** Play on or pause; at the end from the beginning. */
  play(): void {
    batch(() => {
      if (!this.isPlaying.value && this.tick.value >= this.last.value) this.tick.value = 0;
      this.isPlaying.value = !this.isPlaying.value;
    });
  }
}
