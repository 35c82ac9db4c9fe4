// Bytes as hosts hand them on: Jupyter and marimo in binary, others as base64 or as lists, or not.

const isByte = (value: unknown): value is number =>
  Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 255;

/** What base64 stands for; throws where the text is none. */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const native = Uint8Array as { fromBase64?: (text: string) => Uint8Array<ArrayBuffer> };
  if (native.fromBase64) return native.fromBase64(text);
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

function bytesOfText(name: string, text: string): Uint8Array<ArrayBuffer> {
  try {
    return fromBase64(text);
  } catch {
    throw new Error(`This notebook hands on ${name} as text that is not base64.`);
  }
}

/** The bytes of what was sent under a name. */
export function bytesOf(name: string, sent: unknown): Uint8Array<ArrayBufferLike> {
  if (ArrayBuffer.isView(sent)) {
    return new Uint8Array(sent.buffer, sent.byteOffset, sent.byteLength);
  }
  if (sent instanceof ArrayBuffer) return new Uint8Array(sent);
  if (typeof sent === "string") return bytesOfText(name, sent);
  if (Array.isArray(sent) && sent.every(isByte)) return Uint8Array.from(sent);
  throw new Error(
    `This notebook does not hand on binary data: ${name} did not arrive. Open it in JupyterLab, ` +
      `Notebook 7 or marimo, or save a page: debugger.save_page("page.html").`,
  );
}
