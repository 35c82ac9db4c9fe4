// The bytes that Python sends, as typed arrays.
import type { ArrayDescription, Bytes, Mask as SentMask } from "../protocol.ts";
import { bytesOf } from "./bytes.ts";

const KINDS = { float32: Float32Array, int32: Int32Array, uint8: Uint8Array } as const;
type Type = keyof typeof KINDS;
type Read = { float32: Float32Array; int32: Int32Array; uint8: Uint8Array };

/** A hole: (1 or n, Hb, Wb), 1 where a pixel of b is missing. */
export interface Mask {
  readonly shape: SentMask["shape"];
  readonly data: Uint8Array;
}

/** Copied: a view's offset need not be a multiple of its element's size. */
export function arrayOf<T extends Type>(
  name: string,
  sent: Bytes | undefined,
  { dtype, shape }: ArrayDescription<T, number[]>,
): Read[T] {
  const Kind = KINDS[dtype];
  const expected = shape.reduce((product, size) => product * size, Kind.BYTES_PER_ELEMENT);
  const { buffer, byteOffset, byteLength: length } = bytesOf(name, sent);
  if (length !== expected) {
    throw new Error(
      `The data is cut short: ${name} has ${length} of ${expected} bytes. Run the cell again.`,
    );
  }
  return new Kind(buffer.slice(byteOffset, byteOffset + length) as ArrayBuffer) as Read[T];
}

export function maskOf(sent: SentMask | null | undefined): Mask | null {
  if (!sent) return null;
  const { shape, data } = sent;
  return { shape, data: arrayOf("mask", data, { dtype: "uint8", shape }) };
}

/** A copy to send: marimo hands on a `DataView` as bytes, and any other array as an object. */
export function sentMaskOf(mask: Mask | null): SentMask | null {
  return mask && { shape: mask.shape, data: new DataView(mask.data.slice().buffer) };
}

export function sameMask(one: Mask | null, other: Mask | null): boolean {
  if (one === null || other === null) return one === other;
  if (one.data.length !== other.data.length) return false;
  return one.data.every((value, i) => value === other.data[i]);
}

/** Sample `i` of an array of samples of `size` numbers. */
export const sampleOf = <T extends Read[Type]>(array: T, i: number, size: number): T =>
  array.subarray(i * size, (i + 1) * size) as T;
