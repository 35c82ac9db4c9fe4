// Foreground, background and output.
import { useMemo } from "preact/hooks";
import type { ViewName } from "../state/scene.ts";
import { Images } from "./images.ts";
import { Picture } from "./Picture.tsx";

const VIEWS: readonly ViewName[] = ["foreground", "background", "output"];

export function Pictures() {
  const images = useMemo(() => new Images(), []);
  return (
    <>
      {VIEWS.map((view) => (
        <Picture key={view} view={view} images={images} />
      ))}
    </>
  );
}
