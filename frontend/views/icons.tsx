// The signs on buttons, drawn on 16 × 16.

const PATHS = {
  back: "M10 3L5 8l5 5",
  next: "M6 3l5 5-5 5",
  play: "M5 3l8 5-8 5z",
  pause: "M5 3v10M11 3v10",
  look: "M3.5 2.5l9.5 5-4.2 1.3L6.6 13z",
  region: "M2 2h3M7 2h2M11 2h3v3M14 7v2M14 11v3h-3M9 14H7M5 14H2v-3M2 9V7M2 5V2M8 6v4M6 8h4",
  brush:
    "M13.5 2.5L8 8.2M7.6 8.6c-2-.4-3.3.8-3.5 2.4q-.2 1.8-1.9 2.3c2.2 1 6 .6 6.2-2.5q0-1.4-.8-2.2z",
  erase: "M6 13.2h7.5M2.6 9.6l6.2-6.4 4.4 4.2-5.6 5.8H6zM5.8 6.3l4.3 4.2",
  rectangle: "M2.5 3.5h11v9h-11z",
  undo: "M3 6h6.6a3.4 3.4 0 010 6.8H6M3 6l3-3M3 6l3 3",
  map: "M2.5 2.5h11v11h-11zM6.2 2.5v11M9.8 2.5v11M2.5 6.2h11M2.5 9.8h11M6.2 6.2h3.6v3.6z",
  more: "M3.2 8h.1M8 8h.1M12.7 8h.1",
  first: "M4 3v10M12 3L7 8l5 5",
  last: "M12 3v10M4 3l5 5-5 5",
  into: "M8 2.5v7.5M4.8 7L8 10.2 11.2 7M3 13.5h10",
  out: "M8 10V2.5M4.8 5.7L8 2.5l3.2 3.2M3 13.5h10",
  code: "M5.5 4L2 8l3.5 4M10.5 4L14 8l-3.5 4",
  close: "M4 4l8 8M12 4l-8 8",
} as const;

export type IconName = keyof typeof PATHS;

export const Icon = ({ name }: { name: IconName }) => (
  <svg class={`ctx-icon ctx-icon-${name}`} viewBox="0 0 16 16" aria-hidden="true">
    <path d={PATHS[name]} />
  </svg>
);
