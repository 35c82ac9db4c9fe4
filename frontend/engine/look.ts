// What feature vectors look like.

/** How a vector of c numbers becomes a colour: ((x − mean) @ basis − low) / (high − low). */
export interface Look {
  mean: readonly number[];
  /** A row for each channel, of three numbers. */
  basis: readonly (readonly number[])[];
  low: readonly number[];
  high: readonly number[];
}

/** Three channels from −1 to 1 are red, green and blue. */
export const LOOK_OF_RGB: Look = {
  mean: [0, 0, 0],
  basis: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  low: [-1, -1, -1],
  high: [1, 1, 1],
};

/** Red, green and blue of each place of a map of c × `area` numbers. */
export function rgbOf(
  { mean, basis, low, high }: Look,
  values: ArrayLike<number>,
  area: number,
): (i: number) => number[] {
  return (i) => {
    const rgb = [0, 0, 0];
    for (let j = 0; j < 3; j++) {
      let sum = -low[j];
      for (let channel = 0; channel < basis.length; channel++) {
        sum += (values[channel * area + i] - mean[channel]) * basis[channel][j];
      }
      const level = Math.round((255 * sum) / (high[j] - low[j] || 1));
      rgb[j] = Math.min(255, Math.max(0, level));
    }
    return rgb;
  };
}
