// Patches: small squares around each cell, of the shrunk maps to match, of b itself to paste.
import { useGo } from "../views/context.ts";
import { KsizeKnob } from "../views/knobs.tsx";
import { At, Link } from "../views/numbers.tsx";
import { PatchWord } from "../views/Sentence.tsx";
import { Note, Sign, Term, Terms, Value } from "../views/terms.tsx";
import { Thumbnails } from "../views/thumbnails.tsx";
import { MatchTile, PasteTile, QueryTile } from "../views/tiles.tsx";
import { patchMarks } from "./boxes.ts";
import { patchMiniature } from "./miniatures.ts";
import type { InspectorProps, Miniaturist, Step } from "./step.ts";
import { Outside, QueryWord } from "./words.tsx";

function Sentence({ scene }: InspectorProps) {
  const { attention, stage, q } = scene;
  const { ksize, rate } = attention.config;
  const side = 2 * rate;
  if (stage === "paste_patches") {
    return (
      <>
        Whoever chooses <PatchWord at={attention.cellOf(q)} /> pastes {side}×{side} pixels of the
        full-size background.
      </>
    );
  }
  return (
    <>
      <QueryWord scene={scene} isFirst /> is compared as a {ksize}×{ksize} patch; what matches it
      pastes {side}×{side} pixels.
      <Outside scene={scene} />
    </>
  );
}

function Inspector({ scene }: InspectorProps) {
  const { attention, p, q, query, patch } = scene;
  const { c } = attention;
  const { ksize, rate } = attention.config;
  const side = 2 * rate;
  const go = useGo();
  const match = attention.cellOf(q);
  return (
    <>
      <Terms>
        <Term
          picture={<QueryTile scene={scene} side={80} />}
          value={<Product sides={ksize} channels={c} name="query" />}
          role="query"
        >
          query <At place={attention.place(p)} role="query" /> of f↓
        </Term>
        <Sign>~</Sign>
        <Term
          picture={<MatchTile scene={scene} side={80} />}
          value={<Product sides={ksize} channels={c} name="key" />}
          role="match"
        >
          matching patch <At place={match} role="match" /> of b↓
        </Term>
        <Sign>→</Sign>
        <Term
          kind="result"
          picture={<PasteTile scene={scene} side={80} />}
          value={<Product sides={side} channels={c} name="paste" />}
          role="match"
        >
          its paste patch of b
        </Term>
      </Terms>
      <Note>
        Matching compares {ksize}×{ksize} patches of the{" "}
        <Link onClick={() => go("downsampled_b", query, patch)}>shrunk maps</Link>. Pasted: {side}×
        {side} of the full-size background, every {rate} pixels: neighbours overlap. Hatched:
        padding with zeros.
      </Note>
    </>
  );
}

interface ProductProps {
  name: string;
  sides: number;
  channels: number;
}

/** How many numbers a patch has. */
const Product = ({ name, sides, channels }: ProductProps) => (
  <>
    {sides} · {sides} · {channels} = <Value name={name} value={sides * sides * channels} />
  </>
);

const queryMiniature: Miniaturist = (scene) => {
  const { attention, p } = scene;
  return p < 0 ? null : patchMiniature(scene, attention.foreground, attention.place(p), "query");
};

const keyMiniature: Miniaturist = (scene) => {
  const { attention, q } = scene;
  return q < 0 ? null : patchMiniature(scene, attention.background, attention.cellOf(q), "match");
};

const PICTURES = [queryMiniature, keyMiniature];

export const patches: Step = {
  name: "Patches",
  short: "Patches",
  Sentence,
  value: ({ attention }) => `${attention.config.ksize}×${attention.config.ksize}`,
  Thumbnail: () => <Thumbnails step={patches} pictures={PICTURES} />,
  Foot: KsizeKnob,
  rowStage: () => null,
  noRegion: "Patches are not added up",
  shape: (stage, run, { c, L, config }) => {
    const side = stage === "matching_patches" ? config.ksize : 2 * config.rate;
    return [run.inputs.n, L, c, side, side];
  },
  values: (stage, { attention, q }) =>
    stage === "matching_patches" ? attention.matchingPatch(q) : attention.pastePatch(q),
  marks: patchMarks,
  Inspector,
};
