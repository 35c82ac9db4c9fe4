import { defineConfig } from "vitest/config";

/** Here no worker starts: its lines, which build.mjs makes, are none. */
const noWorker = {
  name: "no-worker",
  enforce: "pre" as const,
  resolveId: (id: string) => (id.startsWith("worker:") ? "\0worker" : undefined),
  load: (id: string) => (id === "\0worker" ? "export default [];" : undefined),
};

export default defineConfig({
  plugins: [noWorker],
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  test: { environment: "jsdom", include: ["tests/**/*.test.{ts,tsx}"] },
});
