// The bytes that Python sends, as typed arrays.
import type { ArrayDescription, Bytes, WireMask } from "../protocol.ts";

const KINDS = { float32: Float32Array, int32: Int32Array, uint8: Uint8Array } as const;
export type Values = Float32Array | Int32Array | Uint8Array;

/** A hole: (1 or n, Hb, Wb), 1 where a pixel of b is missing. */
export interface Mask {
  readonly shape: readonly [number, number, number];
  readonly data: Uint8Array;
}

/** Copied: a view's offset need not be a multiple of its element's size. */
export function arrayOf(name: string, bytes: Bytes | undefined, about: ArrayDescription): Values {
  const { dtype, shape } = about;
  const Kind = KINDS[dtype];
  const expected = shape.reduce((product, size) => product * size, Kind.BYTES_PER_ELEMENT);
  const length = bytes?.byteLength ?? 0;
  if (!bytes || length !== expected) {
    throw new Error(
      `The data is cut short: ${name} has ${length} of ${expected} bytes. Run the cell again.`,
    );
  }
  if (bytes instanceof ArrayBuffer) return new Kind(bytes.slice(0));
  const { buffer, byteOffset } = bytes;
  return new Kind(buffer.slice(byteOffset, byteOffset + length) as ArrayBuffer);
}

export function floatsOf(name: string, bytes: Bytes | undefined, about: ArrayDescription) {
  return arrayOf(name, bytes, { ...about, dtype: "float32" }) as Float32Array;
}

export function maskOf(wire: WireMask | null | undefined): Mask | null {
  if (!wire?.data) return null;
  const about: ArrayDescription = { dtype: "uint8", shape: wire.shape };
  return { shape: wire.shape, data: arrayOf("mask", wire.data, about) as Uint8Array };
}

export function sameMask(one: Mask | null, other: Mask | null): boolean {
  if (one === null || other === null) return one === other;
  if (one.data.length !== other.data.length) return false;
  return one.data.every((value, i) => value === other.data[i]);
}

/** Sample `i` of an array of samples of `size` numbers. */
export const sampleOf = <T extends Values>(array: T, i: number, size: number): T =>
  array.subarray(i * size, (i + 1) * size) as T;
