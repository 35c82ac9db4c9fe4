// Numbers as text, and bytes as numbers.
import { expect, test } from "vitest";
import { arrayOf, maskOf } from "../state/arrays.ts";
import { cell, digits } from "../views/format.ts";

test("numbers have three digits, a true minus, and words for what is none", () => {
  expect(digits(-0.123456)).toBe("−0.123");
  expect(digits(1234567.8)).toBe("1.2e6");
  expect(digits(0)).toBe("0");
  expect(digits(Number.NaN)).toBe("NaN");
  expect(digits(Number.NEGATIVE_INFINITY)).toBe("−∞");
  expect(digits(undefined)).toBe("–");
  expect(cell(3, 4)).toBe("(3, 4)");
});

test("a view of bytes is read wherever it begins", () => {
  const bytes = new Uint8Array(9);
  new DataView(bytes.buffer).setFloat32(1, 2.5, true);
  const view = new DataView(bytes.buffer, 1, 8);
  expect([...arrayOf("f", view, { dtype: "float32", shape: [2] })]).toEqual([2.5, 0]);
});

test("no mask is null", () => {
  expect(maskOf(null)).toBe(null);
});
