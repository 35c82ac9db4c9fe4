// What the cells are coloured by: one map of doubt at a time, and none at first.
import { MAP_NAMES } from "../../generated/maps.ts";
import { isAvailable } from "../../state/maps.ts";
import { useTools } from "../context.ts";
import { Menu, type MenuItem } from "../Menu.tsx";
import { MAP_WORDS } from "./words.ts";

export function MapMenu() {
  const { session, kernel } = useTools();
  const chosen = session.map.value;
  const items: MenuItem[] = MAP_NAMES.map((name) => {
    const isPossible = isAvailable(name, session.run);
    const { label } = MAP_WORDS[name];
    return {
      name: `map-${name}`,
      words: isPossible ? label : `${label}, where a truth is given`,
      isChosen: chosen === name,
      isDisabled: !isPossible,
      onChoose: () => kernel.maps.choose(name),
    };
  });
  items.push({
    name: "map-off",
    words: "nothing",
    isChosen: chosen === null,
    onChoose: () => kernel.maps.choose(null),
  });
  return (
    <Menu
      label="Colour cells by …"
      help="Colours each cell by how sure its match is, or by how often it is pasted."
      icon="map"
      title="Colour cells by"
      isOn={chosen !== null}
      items={items}
    />
  );
}
