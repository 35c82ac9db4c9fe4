// What a guess came to: one sentence with this run's numbers.

import { samePlace } from "../../state/cursor.ts";
import type {
  FusionGap,
  Gap as GapData,
  NoGap,
  ShareGap,
  SharperGap,
  WhereGap,
} from "../../state/gap.ts";
import { hasOneGrid } from "../../state/kept.ts";
import { useTools } from "../context.ts";
import { percent, thousands } from "../format.ts";
import { CellWord, HoleWord, PatchWord } from "../Sentence.tsx";
import { reasonOf, relationOf } from "./words.ts";

/** "Yours", behind the sign of what was guessed. */
const Yours = () => (
  <var class="ctx-word-guess">
    <span class="ctx-glyph ctx-guess" />
    Yours
  </var>
);

export function Gap({ gap }: { gap: GapData }) {
  switch (gap.kind) {
    case "nothing":
      return <Nothing gap={gap} />;
    case "where":
      return <Where gap={gap} />;
    case "share":
      return <Share gap={gap} />;
    case "sharper":
      return <Sharper gap={gap} />;
    case "fusion":
      return <Fusion gap={gap} />;
  }
}

const Nothing = ({ gap }: { gap: NoGap }) => <>{reasonOf(gap)}</>;

function Where({ gap }: { gap: WhereGap }) {
  const { session } = useTools();
  const { best, bestShare, of, rank, share, isGuessed } = gap;
  const isHit = gap.guessPatch === gap.bestPatch;
  if (!isGuessed || isHit) {
    return (
      <>
        {isGuessed && "Yes: "}
        <PatchWord at={best} isFirst={!isGuessed} /> is the best of {thousands(of)}, with{" "}
        {percent(bestShare)}.
      </>
    );
  }
  const isOwn = hasOneGrid(session.attention) && samePlace(gap.guess, gap.query);
  const own = isOwn ? ", the cell’s own place," : "";
  const theBest = (
    <>
      The best, <PatchWord at={best} />, gets {percent(bestShare)}
    </>
  );
  if (rank === null) {
    return (
      <>
        <Yours />
        {own} touches the <HoleWord />: it may not be pasted. {theBest}. {relationOf(gap)}
      </>
    );
  }
  if (rank === 1) {
    return (
      <>
        <Yours />
        {own} is level with <PatchWord at={best} />: both come first of {thousands(of)}, with{" "}
        {percent(bestShare)} each.
      </>
    );
  }
  return (
    <>
      <Yours />
      {own} is number {thousands(rank)} of {thousands(of)} and gets {percent(share)}. {theBest}.{" "}
      {relationOf(gap)}
    </>
  );
}

const CLOSE = 0.03; // of all

function Share({ gap }: { gap: ShareGap }) {
  const { best, guess, share, patches, count } = gap;
  const truth = (
    <>
      <PatchWord at={best} isFirst={guess === null} /> gets {percent(share)}
    </>
  );
  if (guess === null) return <>{truth}.</>;
  const said = <>You said {percent(guess)}</>;
  if (Math.abs(guess - share) <= CLOSE) {
    return (
      <>
        Close: you said {percent(guess)}, {truth}.
      </>
    );
  }
  if (guess < share) {
    return (
      <>
        {said}, but {truth}: one patch does most of it.
      </>
    );
  }
  return (
    <>
      {said}, but {truth}.{" "}
      {patches === null
        ? `Not even all ${thousands(count)} together get ${percent(guess)}.`
        : `It takes the best ${thousands(patches)} together to get ${percent(guess)}.`}
    </>
  );
}

function Sharper({ gap }: { gap: SharperGap }) {
  const { cells, changes, most, guess } = gap;
  const truth = changes[most];
  if (truth.moved === 0) return <>None of them changes: not a part of their weight moves.</>;
  const isHit = guess === most;
  return (
    <>
      {isHit && "Yes: "}
      <CellWord at={cells[most]} isFirst={!isHit} /> changes most: {percent(truth.moved)} of its
      weight moves, and its best patch goes from {percent(truth.before)} to {percent(truth.after)}.
      {guess >= 0 && !isHit && <YoursMoves gap={gap} />}
    </>
  );
}

function YoursMoves({ gap }: { gap: SharperGap }) {
  const { cells, changes, guess } = gap;
  const { moved, before } = changes[guess];
  return (
    <>
      {" "}
      <Yours />, <CellWord at={cells[guess]} />, moves {percent(moved)}: its best had{" "}
      {percent(before)} before.
    </>
  );
}

function Fusion({ gap }: { gap: FusionGap }) {
  const { fused, guess, withFusion, withoutFusion, isEqual, isOfHole, terms } = gap;
  if (isEqual) return <>The two are equal at every pixel: here fusion changes nothing.</>;
  const cells = isOfHole ? "cells side by side in the hole" : "cells side by side";
  return (
    <>
      {guess === fused && "Yes: "}
      {guess !== null && guess !== fused && "No: "}
      {fused} had the fusion. It adds up {terms} scores to one, so that its softmax is sharper.
      {withFusion !== null && withoutFusion !== null && (
        <>
          {" "}
          Of {cells}, {percent(withFusion)} take from patches side by side; without fusion{" "}
          {percent(withoutFusion)}.
        </>
      )}
    </>
  );
}
