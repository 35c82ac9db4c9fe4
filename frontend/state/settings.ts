// Settings, compared.
import type { AttentionConfig } from "../engine/config.ts";
import type { Meta } from "../protocol.ts";
import { type Mask, sameMask } from "./arrays.ts";

/** Whether any setting but the dialect's name differs; a config that is not there does not. */
export function differs(one: Partial<AttentionConfig>, other: AttentionConfig | null | undefined) {
  if (!other) return false;
  const names = Object.keys(one) as (keyof AttentionConfig)[];
  return names.some((name) => name !== "dialect" && other[name] !== one[name]);
}

interface Settings {
  readonly config: AttentionConfig;
  readonly mask: Mask | null;
}

/** The settings, and "mask", in which two runs differ. */
export function changedNames(one: Settings, other: Settings): string[] {
  const names = Object.keys(one.config) as (keyof AttentionConfig)[];
  const changed: string[] = names.filter((name) => one.config[name] !== other.config[name]);
  return sameMask(one.mask, other.mask) ? changed : [...changed, "mask"];
}

/** The name of the dialect that has these settings. */
export function dialectOf(
  config: AttentionConfig,
  dialects: Meta["dialects"],
): AttentionConfig["dialect"] {
  const names = Object.keys(dialects) as (keyof Meta["dialects"])[];
  return names.find((name) => !differs(dialects[name], config)) ?? "custom";
}
