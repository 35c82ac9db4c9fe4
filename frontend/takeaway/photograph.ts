// A photograph of the reader's own.
import { LOOK_OF_RGB } from "../engine/look.ts";
import type { Mask, Meta } from "../protocol.ts";

const LONGEST = 256; // pixels: what a page computes in seconds

export interface Photograph {
  readonly H: number;
  readonly W: number;
  /** A byte each, (H, W, 3). */
  readonly rgb: Uint8Array<ArrayBuffer>;
  /** What was done to it, for the reader. */
  readonly message: string;
}

/** Upright, as its camera says that it was held. */
async function pictureIn(file: File): Promise<ImageBitmap> {
  try {
    return await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    throw new Error(
      `${file.name} cannot be read as a picture: PNG, JPEG, WebP, GIF, AVIF and BMP can.`,
    );
  }
}

/** At most 256 pixels long, cropped to whole multiples of 4·rate. */
export async function readPhotograph(file: File, rate: number): Promise<Photograph> {
  const image = await pictureIn(file);
  const scale = Math.min(1, LONGEST / Math.max(image.width, image.height));
  const unit = 4 * rate;
  const [width, height] = [image.width * scale, image.height * scale];
  const [W, H] = [width, height].map((size) => Math.floor(Math.round(size) / unit) * unit);
  if (!W || !H) {
    const size = `${image.width} × ${image.height}`;
    throw new Error(
      `${file.name}: ${size} pixels are too few, at least ${unit} × ${unit} are needed.`,
    );
  }
  const canvas = document.createElement("canvas");
  canvas.width = W;
  canvas.height = H;
  const pen = canvas.getContext("2d");
  if (!pen) throw new Error("This browser gives no canvas to draw the photograph on.");
  pen.fillStyle = "white"; // where the photograph is transparent
  pen.fillRect(0, 0, W, H);
  pen.drawImage(image, (W - width) / 2, (H - height) / 2, width, height);
  const rgba = pen.getImageData(0, 0, W, H).data;
  return {
    H,
    W,
    rgb: Uint8Array.from(rgba.filter((_, i) => i % 4 < 3)),
    message: `${file.name}: ${image.width} × ${image.height}, shrunk and cropped to ${W} × ${H}`,
  };
}

/** Fill a hole smoothly: each of its values becomes the mean of its four neighbours. */
function fillSmoothly(values: Float32Array, places: readonly number[], W: number): void {
  const ROUNDS = 1500;
  const OVERSHOOT = 1.9; // successive over-relaxation: plain averaging would need far more rounds
  for (const i of places) values[i] = 0;
  for (let round = 0; round < ROUNDS; round++) {
    for (const i of places) {
      const mean = (values[i - 1] + values[i + 1] + values[i - W] + values[i + W]) / 4;
      values[i] += OVERSHOOT * (mean - values[i]);
    }
  }
}

interface PageInputs {
  readonly meta: Meta;
  readonly buffers: { f: Float32Array; b: Float32Array; mask: Uint8Array; truth: Float32Array };
  readonly mask: Mask;
}

/** What Python would send for a photograph: with a hole in its middle, filled smoothly. */
export function inputsOfPhotograph(photo: Photograph, meta: Meta, title: string): PageInputs {
  const { H, W, rgb } = photo;
  const area = H * W;
  const data = new Uint8Array(area);
  for (let y = H >> 2; y < H >> 1; y++)
    data.fill(1, y * W + ((3 * W) >> 3), y * W + ((5 * W) >> 3));
  const f = new Float32Array(3 * area);
  for (let i = 0; i < f.length; i++) {
    const channel = Math.floor(i / area);
    f[i] = rgb[3 * (i % area) + channel] / 127.5 - 1;
  }
  const truth = f.slice();
  const hole = [...f.keys()].filter((i) => data[i % area]);
  fillSmoothly(f, hole, W);
  const maps = {
    dtype: "float32" as const,
    shape: [1, 3, H, W] as [number, number, number, number],
  };
  const shape: Mask["shape"] = [1, H, W];
  return {
    meta: {
      ...meta,
      n: 1,
      title,
      notes: [],
      python: null,
      summaries: null,
      look: LOOK_OF_RGB,
      arrays: { f: maps, b: maps, truth: maps, mask: { dtype: "uint8", shape } } as Meta["arrays"],
    },
    buffers: { f, b: f, mask: data, truth },
    mask: { shape, data },
  };
}
