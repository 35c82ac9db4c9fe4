// One picture with what is drawn over it, as an SVG or as a PNG.
import type { Arrow, Mark } from "../steps/step.ts";
import { download } from "./download.ts";
import { escaped, type Legend, legendShape } from "./legend.ts";

/** Set places, each `step` pixels wide. */
export interface Bits {
  readonly bits: ArrayLike<number>;
  readonly rows: number;
  readonly cols: number;
  readonly step: number;
}

export interface PictureParts {
  readonly canvas: HTMLCanvasElement;
  /** The picture's own pixels. */
  readonly rows: number;
  readonly cols: number;
  readonly marks: readonly Mark[];
  readonly arrows: readonly Arrow[];
  readonly hole: Bits | null;
  /** Draw the hole's edge, not its area. */
  readonly onlyEdge: boolean;
  /** Below the picture; its title is the file's, too. */
  readonly legend: Legend;
}

const COLOURS = {
  query: "#d55e00",
  match: "#56b4e9",
  pixel: "#009e73",
  hole: "#cc79a7",
  guess: "#ffffff",
};
const LINE = 2; // pixels of the canvas at a ratio of 1
const LABEL = 12;

/** A mark that is smaller is drawn as large as this. */
const LEAST_SIDE = 5;

export function svgOf(parts: PictureParts, ratio = 1): string {
  const { canvas, cols, rows, hole, legend } = parts;
  const { width, height } = canvas;
  const below = legendShape(legend, height, width, ratio);
  const whole = height + below.height;
  const scale = { x: width / cols, y: height / rows, line: LINE * ratio, label: LABEL * ratio };
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${whole}">`,
    `<title>${escaped(legend.lines[0])}</title>`,
    `<path d="M0 0H${width}V${whole}H0Z" fill="#fff"/>`,
    `<image width="${width}" height="${height}" href="${canvas.toDataURL()}"/>`,
    hole ? holeShape(hole, parts.onlyEdge, scale) : "",
    ...parts.marks.map((mark) => markShape(mark, scale)),
    ...parts.arrows.map((arrow) => arrowShape(arrow, scale)),
    below.svg,
    "</svg>",
  ].join("");
}

interface Scale {
  readonly x: number;
  readonly y: number;
  readonly line: number;
  readonly label: number;
}

function holeShape(hole: Bits, onlyEdge: boolean, { x, y, line }: Scale): string {
  const [across, down] = [x * hole.step, y * hole.step];
  const transform = `transform="scale(${across} ${down})"`;
  if (!onlyEdge) {
    // The lines of the hatch are not scaled with the places.
    const undone = `scale(${line / 2 / across} ${line / 2 / down}) rotate(45)`;
    return (
      `<defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse"` +
      ` patternTransform="${undone}"><path d="M3 0V6" stroke="#1e0a18" stroke-width="3.6"/>` +
      `<path d="M3 0V6" stroke="${COLOURS.hole}" stroke-width="1.8"/></pattern></defs>` +
      `<path ${transform} d="${areaOf(hole)}" fill="url(#hatch)"/>`
    );
  }
  const stroke = `stroke="${COLOURS.hole}" stroke-width="${line}"`;
  return `<path ${transform} d="${edgeOf(hole)}" ${stroke} vector-effect="non-scaling-stroke"/>`;
}

/** Each run of set places in a row as a rectangle. */
export function areaOf({ bits, rows, cols }: Bits): string {
  const parts: string[] = [];
  for (let row = 0; row < rows; row++) {
    let length = 0;
    for (let col = 0; col <= cols; col++) {
      if (col < cols && bits[row * cols + col]) {
        length += 1;
      } else if (length > 0) {
        parts.push(`M${col - length} ${row}h${length}v1h${-length}z`);
        length = 0;
      }
    }
  }
  return parts.join("");
}

/** The sides between set and other places. */
export function edgeOf({ bits, rows, cols }: Bits): string {
  const isSet = (row: number, col: number): boolean =>
    row >= 0 && col >= 0 && row < rows && col < cols && bits[row * cols + col] !== 0;
  const parts: string[] = [];
  for (let row = 0; row <= rows; row++) {
    for (let col = 0; col <= cols; col++) {
      if (isSet(row, col) !== isSet(row - 1, col)) parts.push(`M${col} ${row}h1`);
      if (isSet(row, col) !== isSet(row, col - 1)) parts.push(`M${col} ${row}v1`);
    }
  }
  return parts.join("");
}

function markShape({ box, kind, label, labelAt }: Mark, scale: Scale): string {
  const { line } = scale;
  const [top, left, tall, wide] = box;
  const width = Math.max(LEAST_SIDE, wide * scale.x) + line;
  const height = Math.max(LEAST_SIDE, tall * scale.y) + line;
  const x = (left + wide / 2) * scale.x - width / 2;
  const y = (top + tall / 2) * scale.y - height / 2;
  const names = kind.split(" ");
  const thickness = names.includes("light") ? line / 2 : line;
  const frame = (colour: string, strokeWidth: number, dashes = "", grown = 0) =>
    `<rect x="${x - grown / 2}" y="${y - grown / 2}" width="${width + grown}"` +
    ` height="${height + grown}" fill="none" stroke="${colour}"` +
    ` stroke-width="${strokeWidth}"${dashes}/>`;
  const dark = frame("rgba(0,0,0,.75)", thickness + (names.includes("kept") ? 4 : 1) * line);
  const ratio = line / LINE;
  const [down, right] = labelAt ?? [-LABEL / 2, width / 2 / ratio + LINE];
  const labelX = x + width / 2 + right * ratio;
  const labelY = y + height / 2 + (down + 0.85 * LABEL) * ratio;
  const text = label ? labelShape(label, labelX, labelY, scale.label) : "";
  const second = names.includes("kept") ? frame(colourOf(names), line, "", 3 * line) : "";
  return dark + second + frame(colourOf(names), thickness, dashesOf(names, line)) + text;
}

function colourOf(names: readonly string[]): string {
  if (names.includes("query")) return COLOURS.query;
  if (names.includes("guess")) return COLOURS.guess;
  return names.includes("match") ? COLOURS.match : COLOURS.pixel;
}

function dashesOf(names: readonly string[], line: number): string {
  if (names.includes("dashed")) return ` stroke-dasharray="${2 * line}"`;
  return names.includes("pixel") ? ` stroke-dasharray="${line}"` : "";
}

function labelShape(label: string, x: number, y: number, size: number): string {
  const font = `font-family="system-ui, sans-serif" font-weight="600" font-size="${size}"`;
  const halo = `stroke="#000" stroke-width="${size / 4}" paint-order="stroke"`;
  return `<text x="${x}" y="${y}" ${font} fill="#fff" ${halo}>${escaped(label)}</text>`;
}

function arrowShape({ from, to, kind }: Arrow, { x, y, line }: Scale): string {
  const [x0, y0, x1, y1] = [from[1] * x, from[0] * y, to[1] * x, to[0] * y];
  const angle = Math.atan2(y1 - y0, x1 - x0);
  const barb = (turn: number) =>
    `L${x1 - 4 * line * Math.cos(angle + turn)} ${y1 - 4 * line * Math.sin(angle + turn)}`;
  const path = `M${x0} ${y0}L${x1} ${y1}${barb(0.4)}M${x1} ${y1}${barb(-0.4)}`;
  const stroke = (colour: string, width: number) =>
    `<path d="${path}" fill="none" stroke="${colour}" stroke-width="${width}"/>`;
  return stroke("#000", 2 * line) + stroke(kind === "query" ? COLOURS.query : "#fff", line);
}

/** The browser draws the SVG. */
export async function savePng(parts: PictureParts, ratio: number, name: string): Promise<void> {
  const image = new Image();
  image.src = `data:image/svg+xml,${encodeURIComponent(svgOf(parts, ratio))}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = image.naturalWidth;
  canvas.height = image.naturalHeight;
  canvas.getContext("2d")?.drawImage(image, 0, 0);
  canvas.toBlob((blob) => {
    if (blob) download(name, blob);
  });
}

export function saveSvg(parts: PictureParts, ratio: number, name: string): void {
  download(name, svgOf(parts, ratio));
}
