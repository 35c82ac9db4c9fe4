// What stands below a picture that is taken away: what it is, of which cell, under which settings,
// and between which numbers its colours lie.
import { type ColourRange, rampOf } from "../engine/colour.ts";
import type { AttentionConfig } from "../engine/config.ts";
import { DEFAULTS } from "../generated/defaults.ts";
import { STEP_KEYS } from "../generated/stages.ts";
import { boxOf } from "../state/region.ts";
import type { Scene } from "../state/scene.ts";
import { stepNameOf } from "../state/stages.ts";
import { cell, digits } from "../views/format.ts";

export interface Legend {
  /** The first one is the title. */
  readonly lines: readonly string[];
  /** What the colours mean; null where they are those of a photograph. */
  readonly range: ColourRange | null;
}

/** Lines that say what a scene shows, below its title. */
export function linesOf(scene: Scene): string[] {
  const { stage, run, sample, channel } = scene;
  const step = stepNameOf(stage);
  const parts = [`step ${STEP_KEYS.indexOf(step) + 1} of ${STEP_KEYS.length}, ${step}`];
  parts.push(placeOf(scene));
  if (run.inputs.n > 1) parts.push(`sample ${sample}`);
  if (channel !== null) parts.push(`channel ${channel}`);
  if (scene.pinned) parts.push(scene.side === "difference" ? "B − A" : `run ${scene.side}`);
  return [parts.filter(Boolean).join(" · "), settingsLine(scene)];
}

/** Which cell, patch, pixel or region was asked for, in (row, column). */
function placeOf({ attention, cursor, region, query, patch, pixel }: Scene): string {
  if (region) {
    const { top, left, height, width } = boxOf(region);
    return `region of ${height} × ${width} cells from ${cell(top, left)}`;
  }
  if (pixel) return `output pixel ${cell(...pixel)}`;
  const chosen = patch === null ? "" : `patch ${cell(...attention.cellOf(patch))}`;
  if (cursor.kind === "patch" || !query) return chosen;
  const asked = `query ${cell(...query)}`;
  return chosen ? `${asked} with ${chosen}` : asked;
}

function settingsLine({ run, pinned, side }: Scene): string {
  if (!pinned || side === "B") return `Settings: ${settingsOf(run.config, run)}`;
  const ofA = settingsOf(pinned.config, pinned);
  if (side === "A") return `Settings: ${ofA}`;
  return `Settings of A: ${ofA}. Of B: ${settingsOf(run.config, run)}`;
}

/** The settings that are not the defaults; a dialect stands for its rules. */
function settingsOf(config: AttentionConfig, { inputs }: Scene["run"]): string {
  const { dialect } = config;
  const rules = dialect === "custom" ? {} : inputs.meta.dialects[dialect];
  const names = Object.keys(DEFAULTS) as (keyof AttentionConfig)[];
  const others = names.filter((name) => config[name] !== DEFAULTS[name] && !(name in rules));
  if (others.length === 0) return "the defaults";
  return others.map((name) => `${name} ${config[name]}`).join(", ");
}

const SIZE = 12; // pixels of the canvas at a ratio of 1
const LINE = 17;
const MARGIN = 8;
const LETTER = 0.56; // of the size: how wide a letter is on average
const DIGIT = 0.66; // the same of a digit or a minus
const FONT = 'font-family="system-ui, sans-serif"';
const INK = "#16191d";

interface Drawn {
  readonly svg: string;
  readonly height: number;
}

/** The legend as SVG, from `top` downwards. */
export function legendShape({ lines, range }: Legend, top: number, width: number, ratio: number) {
  const size = SIZE * ratio;
  const most = Math.max(12, Math.floor((width - 2 * MARGIN * ratio) / (LETTER * size)));
  const parts: string[] = [];
  let y = top + MARGIN * ratio;
  if (range) {
    parts.push(rampShape(range, y, width, ratio));
    y += LINE * ratio;
  }
  lines.forEach((line, i) => {
    for (const piece of wrapped(line, most)) {
      const weight = i === 0 ? ' font-weight="600"' : "";
      const at = `x="${MARGIN * ratio}" y="${y + size}"`;
      parts.push(`<text ${at} ${FONT}${weight} font-size="${size}" fill="${INK}">`);
      parts.push(`${escaped(piece)}</text>`);
      y += LINE * ratio;
    }
  });
  const drawn: Drawn = { svg: parts.join(""), height: Math.ceil(y + MARGIN * ratio - top) };
  return drawn;
}

/** A bar of the map's colours between its two numbers. */
function rampShape({ low, high, signed }: ColourRange, y: number, width: number, ratio: number) {
  const size = SIZE * ratio;
  const [left, right] = [digits(low), digits(high)];
  const start = (MARGIN + 4) * ratio + left.length * DIGIT * size;
  const end = width - (MARGIN + 4) * ratio - right.length * DIGIT * size;
  const colours = rampOf(signed);
  const stops = colours.map((colour, i) => {
    return `<stop offset="${i / (colours.length - 1)}" stop-color="${colour}"/>`;
  });
  const text = (x: number, anchor: string, words: string) =>
    `<text x="${x}" y="${y + size}" ${FONT} font-size="${size}" fill="${INK}"` +
    ` text-anchor="${anchor}">${words}</text>`;
  const box = `x="${start}" y="${y + 2 * ratio}" height="${size}"`;
  return (
    `<defs><linearGradient id="ramp">${stops.join("")}</linearGradient></defs>` +
    `<rect ${box} width="${Math.max(1, end - start)}" fill="url(#ramp)"/>` +
    text(MARGIN * ratio, "start", left) +
    text(width - MARGIN * ratio, "end", right)
  );
}

/** A text in lines of at most so many letters, where words allow it. */
export function wrapped(text: string, most: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line && line.length + 1 + word.length > most) {
      lines.push(line);
      line = word;
    } else {
      line = line ? `${line} ${word}` : word;
    }
  }
  return [...lines, line];
}

export const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
