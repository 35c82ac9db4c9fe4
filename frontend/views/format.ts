// Numbers and places as text.

/** Three significant digits, a true minus, words for what is no number. */
export function digits(value: number | null | undefined): string {
  if (value === null || value === undefined) return "–";
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  return plain(value).replaceAll("-", "−").replace("e+", "e");
}

function plain(value: number): string {
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e5)) return value.toExponential(1);
  if (Number.isInteger(value)) return String(value);
  return size < 999.5 ? value.toPrecision(3) : String(Math.round(value));
}

export const cell = (row: number, column: number): string => `(${row}, ${column})`;

/** "sample 1 × row 4 × column 6" */
export const named = (axes: readonly string[], shape: readonly number[]): string =>
  axes.map((axis, i) => `${axis} ${shape[i]}`).join(" × ");

/** A count, in groups of three digits: 2 560. */
export const thousands = (count: number): string =>
  String(count).replaceAll(/\B(?=(\d{3})+$)/g, "\u202f");

const UNITS = ["B", "KB", "MB", "GB", "TB"];

export function bytes(count: number): string {
  const thousands = Math.floor(Math.log10(count || 1) / 3);
  return `${digits(count / 1000 ** thousands)} ${UNITS[thousands]}`;
}

export const total = (values: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return sum;
};

/** Two digits of a share of one: 40 %, 4.3 %, 0.05 %. */
export function percent(share: number): string {
  if (Number.isNaN(share)) return "NaN";
  const value = 100 * share;
  if (value === 0) return "0 %";
  if (value >= 99.5) return `${Math.round(value)} %`;
  return value < 0.01 ? "< 0.01 %" : `${Number(value.toPrecision(2))} %`;
}
