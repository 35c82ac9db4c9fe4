// A part of an axis that shows places far apart beside each other, with what lies between left out.

/** The places that are wanted with `margin` more on either side, in order. */
export function folded(wanted: readonly number[], size: number, margin: number): number[] {
  const places = new Set<number>();
  for (const place of wanted) {
    for (let at = place - margin; at <= place + margin; at++) {
      if (at >= 0 && at < size) {
        places.add(at);
      }
    }
  }
  return [...places].sort((one, other) => one - other);
}

/** Where each place of a folded axis is drawn: `gap` further on where others were left out. */
export function unfolded(places: readonly number[], gap: number): Map<number, number> {
  const positions = new Map<number, number>();
  let at = 0;
  places.forEach((place, i) => {
    const isApart = i > 0 && place !== places[i - 1] + 1;
    at += isApart ? gap : 0;
    positions.set(place, at);
    at += 1;
  });
  return positions;
}
