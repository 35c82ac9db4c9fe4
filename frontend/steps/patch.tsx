// Where a patch of b is pasted: what is said of it at every step but the one that tests it.
import { strongest } from "../engine/numbers.ts";
import { useGo } from "../views/context.ts";
import { cell, total } from "../views/format.ts";
import { At, Link, Num, Sum } from "../views/numbers.tsx";
import { PasteTile } from "../views/tiles.tsx";
import type { InspectorProps } from "./step.ts";

export function PatchInspector({ scene }: InspectorProps) {
  const { attention, q, pasted } = scene;
  const place = attention.cellOf(q);
  return (
    <>
      {pasted && <Shares scene={scene} pasted={pasted} />}
      <div class="ctx-figures">
        <figure>
          <PasteTile scene={scene} />
          <figcaption>
            paste patch <At place={place} role="match" />
          </figcaption>
        </figure>
        {pasted && <Takers scene={scene} pasted={pasted} />}
        {pasted && (
          <figure>
            <b class="ctx-big">
              <Num value={total(pasted)} />
            </b>
            <figcaption>pasted in all: its weights summed over every query</figcaption>
          </figure>
        )}
      </div>
      <p>
        {!attention.valid[q] && <span>This patch touches the hole, so it is pasted nowhere. </span>}
        {pasted ? (
          <span>The foreground shows every place it is pasted. A number leads to that query.</span>
        ) : (
          <span>Where it goes is known at the softmax, once the output is computed.</span>
        )}
      </p>
    </>
  );
}

interface PastedProps extends InspectorProps {
  /** Its weight with every query. */
  pasted: ArrayLike<number>;
}

function Shares({ scene, pasted }: PastedProps) {
  const { attention, q } = scene;
  const go = useGo();
  return (
    <p class="ctx-line">
      Σ<sub>p</sub> a(p, <At place={attention.cellOf(q)} role="match" />) ={" "}
      <Sum terms={pasted}>
        {(weight, p) => (
          <Num value={weight} onClick={() => go("attention", attention.place(p), q)} />
        )}
      </Sum>{" "}
      ={" "}
      <b>
        <Num value={total(pasted)} />
      </b>
    </p>
  );
}

/** The queries that take most of it; nothing where none takes any. */
function Takers({ scene, pasted }: PastedProps) {
  const { attention, q } = scene;
  const go = useGo();
  const takers = strongest(pasted, 5).filter((p) => pasted[p] > 0);
  if (takers.length === 0) return null;
  return (
    <>
      <span class="ctx-sign">→</span>
      <figure>
        <ol>
          {takers.map((p) => (
            <li key={p}>
              <Link onClick={() => go("attention", attention.place(p), q)}>
                {cell(...attention.place(p))}
              </Link>{" "}
              <Num value={pasted[p]} />
            </li>
          ))}
        </ol>
        <figcaption>the queries that take most of it</figcaption>
      </figure>
    </>
  );
}
