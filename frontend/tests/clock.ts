// Timers that go on when a test says so.
import { afterEach, beforeEach, vi } from "vitest";

export function stopTheClock(): void {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });
}
