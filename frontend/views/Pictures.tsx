// Foreground, background and output.
import { useLayoutEffect, useMemo } from "preact/hooks";
import { sumRegions } from "../state/region.ts";
import type { ViewName } from "../state/scene.ts";
import { useTools } from "./context.ts";
import { Images } from "./images.ts";
import { Picture } from "./Picture.tsx";

const VIEWS: readonly ViewName[] = ["foreground", "background", "output"];

/** All three, or some of them. */
export function Pictures({ views = VIEWS }: { views?: readonly ViewName[] }) {
  const { session } = useTools();
  const images = useMemo(() => new Images(), []);
  useLayoutEffect(() => sumRegions(session), [session]);
  return (
    <>
      {views.map((view) => (
        <Picture key={view} view={view} images={images} />
      ))}
    </>
  );
}
