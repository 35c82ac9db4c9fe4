// Small pictures of patches.
import { useLayoutEffect, useRef } from "preact/hooks";
import type { PaddedMaps } from "../engine/patches.ts";
import type { Place } from "../state/cursor.ts";
import type { Scene } from "../state/scene.ts";
import { type Colours, paintOn } from "./bitmap.ts";
import { coloursOf } from "./colours.ts";
import type { Role } from "./numbers.tsx";

interface TileProps {
  /** Pixels on a side. */
  rows: number;
  colours: Colours;
  /** Places, in rows, that are outlined. */
  ring?: readonly number[];
  /** How large it may be, in CSS pixels. */
  side?: number;
  role?: Role;
}

export function Tile({ rows, colours, ring = [], side = 112, role }: TileProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useLayoutEffect(() => {
    if (canvas.current) paintOn(canvas.current, rows, rows, colours);
  });
  const step = Math.max(1, Math.floor(side / rows));
  return (
    <span
      class={`ctx-tile ctx-role-${role ?? ""}`}
      style={`--step: ${step}px; --rows: ${rows}`}
      role="img"
      aria-label={`patch ${role ?? ""}`}
    >
      <canvas ref={canvas} />
      {ring.map((i) => (
        <i key={i} style={`--x: ${i % rows}; --y: ${Math.floor(i / rows)}`} />
      ))}
    </span>
  );
}

interface PatchTileProps extends Omit<TileProps, "rows" | "colours"> {
  scene: Scene;
  maps: PaddedMaps;
  /** The cell that the patch is at. */
  at: Place;
}

/** The patch of a padded map at a cell: what lies beyond the map is open. */
export function PatchTile({ scene, maps, at, ...rest }: PatchTileProps) {
  const { side, before, rows, cols } = maps;
  const [top, left] = [at[0] - before, at[1] - before];
  const inner = coloursOf(scene, maps.patch(...at), side * side);
  const colours: Colours = (i) => {
    const y = top + Math.floor(i / side);
    const x = left + (i % side);
    return y >= 0 && y < rows && x >= 0 && x < cols ? inner(i) : null;
  };
  return <Tile rows={side} colours={colours} {...rest} />;
}

interface OfScene extends Omit<TileProps, "rows" | "colours" | "role"> {
  scene: Scene;
}

/** The query's patch of the shrunk foreground. */
export function QueryTile({ scene, ...rest }: OfScene) {
  const { attention, p } = scene;
  const at = attention.place(p);
  return <PatchTile scene={scene} maps={attention.foreground} at={at} role="query" {...rest} />;
}

/** A matching patch of the shrunk background; that of the scene where no `q` is given. */
export function MatchTile({ scene, q = scene.q, ...rest }: OfScene & { q?: number }) {
  const { attention } = scene;
  const at = attention.cellOf(q);
  return <PatchTile scene={scene} maps={attention.background} at={at} role="match" {...rest} />;
}

/** What is pasted of the scene's patch: 2·rate × 2·rate pixels of b. */
export function PasteTile({ scene, ...rest }: OfScene) {
  const { attention, q } = scene;
  const [row, column] = attention.cellOf(q);
  const { rate } = attention.config;
  const at: Place = [row * rate, column * rate];
  return <PatchTile scene={scene} maps={attention.paste} at={at} role="match" {...rest} />;
}

/** What a query pastes: all paste patches, mixed by their weights. */
export function MixedTile({ scene, p = scene.p, ...rest }: OfScene & { p?: number }) {
  const { attention } = scene;
  const side = 2 * attention.config.rate;
  const colours = coloursOf(scene, attention.patch(p), side * side);
  return <Tile rows={side} colours={colours} role="pixel" {...rest} />;
}
