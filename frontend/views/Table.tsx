// The map over the pictures as a table, in the place of the background.
import { useLayoutEffect, useRef } from "preact/hooks";
import type { Scene } from "../state/scene.ts";
import { type MapTable, tableOf } from "../state/table.ts";
import { titleOf } from "./captions.tsx";
import { useTools } from "./context.ts";
import { Icon } from "./icons.tsx";
import { At, Num } from "./numbers.tsx";
import { sumWords } from "./region.tsx";

/** T, but not where a letter means something else. */
export function isTableKey({ key, target, ctrlKey, metaKey, altKey }: KeyboardEvent): boolean {
  if (key.toLowerCase() !== "t" || ctrlKey || metaKey || altKey) return false;
  return !(target as Element).closest("input, select, textarea");
}

export function Table() {
  const { session } = useTools();
  return session.showsTable.value ? <Panel /> : null;
}

/** Takes the focus when it opens, and gives it back. */
function Panel() {
  const { session } = useTools();
  const panel = useRef<HTMLElement>(null);
  useLayoutEffect(() => {
    const { current } = panel;
    if (!current) return;
    const before = (current.getRootNode() as Document | ShadowRoot).activeElement;
    current.focus();
    return () => (before as HTMLElement | null)?.focus();
  }, []);
  const close = () => {
    session.showsTable.value = false;
  };
  const takeKey = (event: KeyboardEvent) => {
    if (event.key !== "Escape") return;
    close();
    event.stopPropagation();
  };
  const scene = session.scene.value;
  const table = tableOf(scene);
  return (
    <section
      ref={panel}
      class="ctx-table"
      aria-label="The map as a table"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, by keys, too
      tabIndex={0}
      onKeyDown={takeKey}
    >
      <button type="button" class="ctx-tool" aria-label="Close the table" onClick={close}>
        <Icon name="close" />
      </button>
      {table ? (
        <Rows scene={scene} table={table} />
      ) : (
        <p>This step has no map of this cell: see Matching, Fuse or Softmax.</p>
      )}
    </section>
  );
}

const ROLES = { patch: "match", query: "query", pixel: "pixel" } as const;

function Rows({ scene, table }: { scene: Scene; table: MapTable }) {
  const { of, rows, count } = table;
  return (
    <table>
      <caption>
        {mapName(scene)}: the largest {rows.length} of {count} values
      </caption>
      <thead>
        <tr>
          <th scope="col">rank</th>
          <th scope="col">{of}</th>
          <th scope="col">value</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(({ place, value }, i) => (
          <tr key={i}>
            <td>{i + 1}</td>
            <th scope="row">
              <At place={place} role={ROLES[of]} />
            </th>
            <td>
              <Num value={value} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** What the map shows, of what. */
function mapName(scene: Scene): string {
  const { attention, cursor, pixel, query, regionSum, side } = scene;
  const sides = { A: "A: ", B: "", difference: "B − A: " };
  const title = `${sides[side]}${titleOf(scene)}`;
  if (scene.gradientMaps) return "∂y/∂b";
  if (regionSum) return sumWords(scene, regionSum);
  if (pixel) return `shares in pixel (${pixel.join(", ")})`;
  if (cursor.kind === "patch") {
    return `${title} of patch (${attention.cellOf(cursor.patch).join(", ")})`;
  }
  return query ? `${title} of query (${query.join(", ")})` : title;
}
