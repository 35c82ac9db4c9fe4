// What hosts make of the bytes that Python sends: read, or told in a sentence.
import { expect, test } from "vitest";
import type { Bytes, Mask, Traits } from "../protocol.ts";
import { bytesOf } from "../state/bytes.ts";
import { H, inputs, open, W } from "./stub.ts";

type Form = (bytes: Uint8Array) => unknown;

const NO_BINARY = "does not hand on binary data";
const READ: Record<string, Form> = {
  "a typed array": (bytes) => bytes,
  "a DataView inside a larger buffer": (bytes) => {
    const larger = new Uint8Array(bytes.length + 3);
    larger.set(bytes, 3);
    return new DataView(larger.buffer, 3);
  },
  "a buffer": (bytes) => bytes.slice().buffer,
  base64: (bytes) => btoa(String.fromCharCode(...bytes)),
  "a list": (bytes) => [...bytes],
};
const NOT_READ: Record<string, [sent: unknown, sentence: string]> = {
  nothing: [undefined, NO_BINARY],
  null: [null, NO_BINARY],
  "what JSON makes of a DataView": [{}, NO_BINARY],
  "other numbers": [[1, 256], NO_BINARY],
  fractions: [[0.5], NO_BINARY],
  "other text": ["no base64!", "text that is not base64"],
};

const asBytes = (value: unknown) => value as Bytes;

/** Every array of the stub's inputs in another form. */
function buffersAs(form: Form): Traits["buffers"] {
  const entries = Object.entries(inputs().buffers).map(([name, bytes]) => {
    const { buffer } = bytes as Uint8Array<ArrayBuffer>;
    return [name, form(new Uint8Array(buffer))];
  });
  return Object.fromEntries(entries);
}

test.each(Object.keys(READ))("%s is read", (name) => {
  const bytes = Uint8Array.from([0, 1, 127, 128, 255]);
  expect([...bytesOf("f", READ[name](bytes))]).toEqual([...bytes]);
});

test.each(Object.keys(NOT_READ))("%s is told, with the array's name", (name) => {
  const [sent, sentence] = NOT_READ[name];
  expect(() => bytesOf("f", sent)).toThrow(sentence);
  expect(() => bytesOf("f", sent)).toThrow(/\bf\b/);
});

test.each(Object.keys(READ))("a debugger opens on %s, with its hole", (name) => {
  const bits = new Uint8Array(H * W).fill(1, 0, 7);
  const mask: Mask = { shape: [1, H, W], data: asBytes(READ[name](bits)) };
  const { session } = open({ mask }, {}, 1, { buffers: buffersAs(READ[name]) });
  expect(session.fatal.value).toBe("");
  expect(session.run.inputs.f).toEqual(inputs().buffers.f);
  expect(session.run.mask?.data).toEqual(bits);
});

test("a host that drops the bytes is told so, and where it works", () => {
  const { session } = open({}, {}, 1, { buffers: buffersAs(() => undefined) });
  expect(session.fatal.value).toContain(NO_BINARY);
  expect(session.fatal.value).toContain("JupyterLab");
  expect(session.document.value).toBe(null);
});

test("a host that drops the whole trait is told so", () => {
  const { session, model } = open();
  model.become("buffers", undefined as unknown as Traits["buffers"]);
  model.become("meta", inputs().meta);
  expect(session.fatal.value).toContain(NO_BINARY);
});

test("a hole without its bytes is told, and never taken for none", () => {
  const { session, model } = open();
  model.become("mask", { shape: [1, H, W] } as Mask);
  expect(session.fatal.value).toContain(`${NO_BINARY}: mask`);
});

test("a painted hole is sent as a DataView of its own, which every host hands on", () => {
  const { kernel, model } = open();
  const data = new Uint8Array(H * W).fill(1, 0, 7);
  kernel.paint({ shape: [1, H, W], data });
  kernel.record();
  const sent = model.values.mask?.data;
  expect(sent).toBeInstanceOf(DataView);
  expect([...bytesOf("mask", sent)]).toEqual([...data]);
  data.fill(0);
  expect(bytesOf("mask", sent)[0]).toBe(1);
});
