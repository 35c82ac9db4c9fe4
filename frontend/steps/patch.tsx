// Where a patch of b is pasted: what is said of it at every step but the one that tests it.
import { strongest } from "../engine/numbers.ts";
import { useGo } from "../views/context.ts";
import { digits, total } from "../views/format.ts";
import { At } from "../views/numbers.tsx";
import { Large, Note, Sign, Term, Terms, Value } from "../views/terms.tsx";
import { MixedTile, PasteTile } from "../views/tiles.tsx";
import type { InspectorProps } from "./step.ts";

export function PatchInspector({ scene }: InspectorProps) {
  const { attention, q, pasted, known } = scene;
  return (
    <>
      <Terms>
        <Term picture={<PasteTile scene={scene} side={80} />} role="match">
          paste patch <At place={attention.cellOf(q)} role="match" />
        </Term>
        {pasted && <Takers scene={scene} pasted={pasted} />}
      </Terms>
      <Note>
        {attention.valid[q] === 1 ? whereItGoes(pasted !== null, known !== null) : NOWHERE}
      </Note>
    </>
  );
}

const NOWHERE = "This patch touches the hole, so it is pasted nowhere.";

function whereItGoes(isShown: boolean, isKnown: boolean): string {
  if (isShown)
    return "The foreground shows every place it is pasted. A number leads to that query.";
  if (isKnown) return "Where it goes stands at the softmax.";
  return "Where it goes is known at the softmax, once the output is computed.";
}

interface TakersProps extends InspectorProps {
  /** Its weight with every query. */
  pasted: ArrayLike<number>;
}

/** The queries that take most of it, and what all come to. */
function Takers({ scene, pasted }: TakersProps) {
  const { attention, q } = scene;
  const go = useGo();
  const takers = strongest(pasted, 4).filter((p) => pasted[p] > 0);
  const sum = total(pasted);
  const rest = sum - total(takers.map((p) => pasted[p]));
  return (
    <>
      <Sign>→</Sign>
      {takers.map((p) => (
        <Term
          key={p}
          picture={<MixedTile scene={scene} p={p} side={56} />}
          value={
            <Value
              name="taken"
              value={pasted[p]}
              onClick={() => go("attention", attention.place(p), q)}
            />
          }
          role="query"
        >
          to <At place={attention.place(p)} role="query" />
        </Term>
      ))}
      {takers.length > 0 && (
        <Term picture={<Large>…</Large>} value={<Value name="rest" value={rest} />}>
          to all others
        </Term>
      )}
      <Sign>Σ =</Sign>
      <Term
        kind="result"
        picture={<Large>{digits(sum)}</Large>}
        value={<Value name="pasted" value={sum} />}
        role="match"
      >
        pasted in all: its weights over every query
      </Term>
    </>
  );
}
