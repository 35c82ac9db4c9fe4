// The view as lines of Python that make it again.

import type { Run } from "../state/run.ts";
import type { Session } from "../state/session.ts";

const literal = (value: unknown): string => {
  if (value === true) return "True";
  if (value === false) return "False";
  return JSON.stringify(value);
};

/** The arguments of AttentionConfig: a dialect stands for the rules that it decides. */
function settingsOf(run: Run): string {
  const { dialect, ...fields } = run.config;
  const rules = dialect === "custom" ? null : run.inputs.meta.dialects[dialect];
  const named = rules ? { dialect, ...fields } : fields;
  return Object.entries(named)
    .filter(([name]) => !(rules && name in rules))
    .map(([name, value]) => `${name}=${literal(value)}`)
    .join(", ");
}

/** Lines that make the hole that was painted; none where it is the first one. */
function maskLines(run: Run): string[] {
  const { mask } = run;
  if (mask?.data === run.inputs.mask?.data) return [];
  if (!mask) return ["mask = None  # nothing is missing"];
  const bits = new Uint8Array(Math.ceil(mask.data.length / 8));
  mask.data.forEach((value, i) => {
    bits[i >> 3] |= value << (7 - (i & 7));
  });
  const text = btoa(String.fromCharCode(...bits));
  return [
    "import base64, numpy, torch",
    `bits = numpy.unpackbits(numpy.frombuffer(base64.b64decode("${text}"), numpy.uint8))`,
    `n, h, w = ${mask.shape.join(", ")}`,
    "mask = torch.tensor(bits[:n * h * w].reshape(n, 1, h, w)).to(f)  # painted",
  ];
}

/** The functions that stand in for stages: they are where the reader wrote them. */
function swapOf({ swap }: Run): string {
  if (!swap.value) return "";
  const functions = swap.value.stages.map(({ key, name }) => `"${key}": ${name}`);
  return `, swap={${functions.join(", ")}}`;
}

export function pythonOf(session: Session): string {
  const { run, stage, sample, pixel, query } = session.scene.value;
  const map = session.map.value; // the error asks for a truth, which no line here makes
  const lines = ["import ctxattn_viz as cv"];
  lines.push(
    run.inputs.meta.python ??
      "# f, b and mask must be there: the tensors that this trace was made of",
  );
  lines.push(
    ...maskLines(run),
    `config = cv.AttentionConfig(${settingsOf(run)})`,
    `trace = cv.trace(f, b, mask, config${swapOf(run)})`,
    `stage = trace["${stage}"]`,
  );
  let place = "";
  if (query) {
    const at = query.join(", ");
    lines.push(`row = trace.query(${at}, sample=${sample})  # .scores, .attention, .best(5) …`);
    place = `, query=(${at})`;
  }
  if (pixel) {
    const at = pixel.join(", ");
    lines.push(`ledger = trace.pixel(${at}, sample=${sample})`);
    place = `, pixel=(${at})`;
  }
  const colours = map && map !== "error" ? `, map="${map}"` : "";
  lines.push(`cv.debug(trace, stage="${stage}", sample=${sample}${place}${colours})`);
  return `${lines.join("\n")}\n`;
}
