// Sliders along the axes that the picture does not show.
import { useStepping } from "./context.ts";

export function FreeAxes() {
  const stepping = useStepping();
  const face = stepping.face.value;
  if (!face?.layout.free.length) return null;
  const index = stepping.element.value;
  return (
    <div class="ctx-free">
      {face.layout.free.map(({ name, length, of, set }, i) => (
        <label key={`${i}-${name}`} class="ctx-slider">
          <span class="ctx-word">{name}</span>
          <input
            type="range"
            data-axis={name}
            aria-label={`place on ${name}`}
            min={0}
            max={length - 1}
            step={1}
            value={of(index)}
            onInput={({ currentTarget }) =>
              stepping.choose(set(index, currentTarget.valueAsNumber))
            }
          />
          <output>
            {of(index)} of 0 … {length - 1}
          </output>
        </label>
      ))}
    </div>
  );
}
