// Written by `python -m tools.front_data` from ctxattn_viz.traces.maps.MAPS: do not edit.

/** In the order of the menu. */
export const MAP_NAMES = [
  "effective_patches",
  "best_share",
  "margin",
  "agreement",
  "offset_length",
  "error",
  "times_pasted",
] as const;
export type MapName = (typeof MAP_NAMES)[number];
