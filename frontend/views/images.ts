// The pictures themselves, without what is drawn over them.

import { paint, rangeOf } from "../engine/colour.ts";
import { sampleOf } from "../state/arrays.ts";
import type { Scene, ViewName } from "../state/scene.ts";
import { largestDifference } from "../state/sides.ts";
import { stepOf } from "../steps/index.ts";
import type { Layer } from "../steps/step.ts";
import { bitmap, type Colours } from "./bitmap.ts";
import { coloursOf } from "./colours.ts";

interface Bitmap {
  readonly sources: readonly unknown[];
  readonly canvas: HTMLCanvasElement;
}

/** f, b, the output, or what a step shows in their place. */
interface Image extends Omit<Layer, "step"> {
  readonly name: string;
}

/** Pictures that were made, each for as long as its sources are the same. */
export class Images {
  private readonly bitmaps = new Map<string, Bitmap>();

  /** The picture of a view; null where it is not known yet. */
  of(view: ViewName, scene: Scene): HTMLCanvasElement | null {
    const image = imageOf(view, scene);
    if (!image) return null;
    const { name, rows, cols } = image;
    const sources = [...image.sources, scene.channel];
    const known = this.bitmaps.get(name);
    if (known && isSame(known.sources, sources)) return known.canvas;
    const canvas = bitmap(rows, cols, image.colours());
    this.bitmaps.set(name, { sources, canvas });
    return canvas;
  }
}

const isSame = (ones: readonly unknown[], others: readonly unknown[]): boolean =>
  ones.length === others.length && ones.every((one, i) => one === others[i]);

function imageOf(view: ViewName, scene: Scene): Image | null {
  const step = stepOf(scene.stage);
  const drawing = step.picture?.(view, scene);
  if (drawing) {
    const name = `${view} at ${scene.stage}`;
    return { ...drawing, name, colours: () => drawing.colours };
  }
  if (view !== "output") return inputImage(view, scene);
  // A flow that is not known yet leaves its place empty: the output would be taken for it.
  return step.showsFlow ? null : outputImage(scene);
}

function inputImage(view: "foreground" | "background", scene: Scene): Image {
  const { run, sample } = scene;
  const { inputs } = run;
  const isForeground = view === "foreground";
  const rows = isForeground ? inputs.H : inputs.Hb;
  const cols = isForeground ? inputs.W : inputs.Wb;
  const all = isForeground ? inputs.f : inputs.b;
  const pictures = isForeground ? inputs.pictures.f : inputs.pictures.b;
  const colours = () => {
    const values = sampleOf(all, sample, inputs.c * rows * cols);
    const rgb = pictures && sampleOf(pictures, sample, 3 * rows * cols);
    return imageColours(scene, values, rgb, rows * cols);
  };
  return { name: view, rows, cols, sources: [inputs, sample], colours };
}

function outputImage(scene: Scene): Image | null {
  const { run, sample, pinned, side } = scene;
  const { H: rows, W: cols } = run.inputs;
  if (side === "difference") {
    const resultB = run.known(sample);
    const resultA = pinned?.known(sample);
    if (!resultA || !resultB) return null; // what is shown meanwhile is another run's
    const colours = () => gapColours(resultA.output, resultB.output, rows * cols);
    return { name: "difference", rows, cols, sources: [resultA, resultB], colours };
  }
  const result = side === "A" ? pinned?.latest(sample) : run.latest(sample);
  if (!result) return null;
  const colours = () => imageColours(scene, result.output, result.picture, rows * cols);
  return { name: "output", rows, cols, sources: [result], colours };
}

/** How much two outputs differ at most, at each pixel; opaque where they do not, too. */
function gapColours(A: Float32Array, B: Float32Array, area: number): Colours {
  const gap = largestDifference(A, B, area);
  const range = rangeOf(gap, false);
  return (i) => paint(gap[i], range).slice(0, 3);
}

/** As Python draws it, where it did and all channels are shown. */
function imageColours(
  scene: Scene,
  values: Float32Array,
  rgb: Uint8Array | undefined,
  area: number,
): Colours {
  if (!rgb || scene.channel !== null) return coloursOf(scene, values, area);
  return (i) => rgb.subarray(3 * i, 3 * i + 3);
}
