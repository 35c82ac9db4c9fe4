// Questions before the map: what is hidden, how they are answered, what the gap says.
import { signal } from "@preact/signals";
import { render } from "preact";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { AnswerData, QuestionData } from "../protocol.ts";
import { App } from "../views/App.tsx";
import { host, press, words } from "./app.tsx";
import { asked, pixel, SHARE, SHARPER, WHERE } from "./asked.ts";
import { CONFIG } from "./stub.ts";

/** The row of a cell as the engine has it. */
function rowOf(session: ReturnType<typeof asked>["session"], [row, column]: readonly number[]) {
  const { attention } = session;
  const p = row * attention.w + column;
  return { weights: attention.row("attention", p), fused: attention.row("fused_scores", p), p };
}

describe("While a question stands", () => {
  it("hides the map, the best and the links, whatever the stage", () => {
    const { session, model } = asked([WHERE], { stage: "flow", query: [4, 4] });
    const { scene } = session;
    expect(scene.value.query).toEqual([1, 3]);
    expect(scene.value.stage).toBe("attention");
    expect(scene.value.best).toEqual([]);
    expect(scene.value.links).toEqual([]);
    expect(scene.value.backgroundHeat).toBeNull();
    expect(model.values.stage).toBe("flow");
  });

  it("lets the foreground be hovered, and goes back to the cell", () => {
    const { session, hands } = asked([WHERE]);
    hands.hover("foreground", pixel([0, 1]));
    expect(session.scene.value.query).toEqual([0, 1]);
    expect(session.scene.value.backgroundHeat).toBeNull();
    hands.leave("foreground");
    expect(session.scene.value.query).toEqual([1, 3]);
  });

  it("keeps what the kernel, a brush or another scale change hidden", () => {
    const { session, kernel } = asked([WHERE]);
    kernel.change({ softmax_scale: 3 });
    kernel.paint({ shape: [1, 12, 10], data: new Uint8Array(120).fill(1, 0, 30) });
    expect(session.scene.value.backgroundHeat).toBeNull();
    expect(session.scene.value.query).toEqual([1, 3]);
  });

  it("shows a cell that the grid lacks as no question", () => {
    const { asker, kernel, session } = asked([{ ...WHERE, cell: [5, 4] }]);
    kernel.change({ rate: 4 });
    expect(asker.gap.value).toMatchObject({ kind: "nothing", reason: "no cell" });
    expect(session.scene.value.query).not.toEqual([5, 4]);
  });
});

describe("Where a cell looks", () => {
  it("is answered by a click, with the rank, the share and the truth of the row", () => {
    const { session, click, answers } = asked([WHERE]);
    const { weights } = rowOf(session, [1, 3]);
    click("background", pixel([4, 1]));
    const guess = 4 * session.attention.gw + 1;
    const rank = 1 + weights.filter((weight) => weight > weights[guess]).length;
    const best = session.attention.cellOf(weights.indexOf(Math.max(...weights)));
    expect(answers()).toEqual([
      {
        question: 0,
        kind: "where",
        sample: 0,
        cell: [1, 3],
        guess: [4, 1],
        truth: best,
        rank,
        share: weights[guess],
        skipped: false,
      },
    ]);
    expect(session.cursor.value).toMatchObject({ kind: "query", query: [1, 3], kept: true });
    expect(session.scene.value.backgroundHeat).not.toBeNull();
  });

  it("is answered by two taps at one place", () => {
    const { hands, answers, session } = asked([WHERE]);
    hands.tap("background", pixel([4, 1]));
    hands.tap("background", pixel([2, 2]));
    expect(answers()).toBeUndefined();
    expect(session.questions.guess.value).toEqual([2, 2]);
    hands.tap("background", pixel([2, 2]));
    expect(answers()[0].guess).toEqual([2, 2]);
  });

  it("is answered by arrows and Enter", () => {
    const { key, answers, session } = asked([WHERE]);
    const { gh, gw } = session.attention;
    key("background", "ArrowUp"); // begins in the middle
    key("background", "ArrowLeft");
    key("background", "ArrowDown", { shiftKey: true }); // to the edge and no further
    key("background", "Enter");
    expect(answers()[0].guess).toEqual([gh - 1, (gw >> 1) - 1]);
  });

  it("says the truth of the hole that was painted meanwhile", () => {
    const { click, kernel, session, answers } = asked([WHERE]);
    const { weights } = rowOf(session, [1, 3]);
    session.tool.value = "brush";
    const [row, column] = session.attention.cellOf(weights.indexOf(Math.max(...weights)));
    const data = new Uint8Array(120);
    for (const y of [0, 1])
      data.fill(1, (row * 2 + y) * 10 + column * 2).fill(0, (row * 2 + y + 1) * 10);
    kernel.paint({ shape: [1, 12, 10], data });
    expect(session.tool.value).toBe("brush"); // it stays in hand
    click("foreground", pixel([0, 0]));
    session.tool.value = "look";
    click("background", pixel([row, column]));
    expect(answers()[0]).toMatchObject({ guess: [row, column], rank: null, share: 0 });
    expect(answers()[0].truth).not.toEqual([row, column]);
  });

  it("counts the first of equals as the best", () => {
    const { session, asker } = asked([WHERE], { mask: null });
    session.show(session.run.change({ ...session.run.config, softmax_scale: 0 }, null));
    expect(asker.gap.value).toMatchObject({ kind: "nothing", reason: "level" });
  });

  it("is not asked of a row without a valid patch", () => {
    const full = {
      shape: [1, 12, 10] as [number, number, number],
      data: new Uint8Array(120).fill(1),
    };
    const { asker, click, answers } = asked([WHERE], { mask: full });
    expect(asker.gap.value).toMatchObject({ kind: "nothing", reason: "none" });
    click("background", pixel([1, 1]));
    expect(answers()).toBeUndefined();
    asker.skip();
    expect(answers()[0]).toMatchObject({ skipped: true, truth: null, rank: null });
  });
});

describe("The other questions", () => {
  it("compare a share with that of the best", () => {
    const { asker, answers, session } = asked([SHARE]);
    const { weights } = rowOf(session, [2, 2]);
    asker.choose(0.25);
    asker.answer();
    expect(answers()[0]).toMatchObject({ guess: 0.25, truth: Math.max(...weights), rank: null });
  });

  it("weigh what another scale moves in each cell", () => {
    const blunt = { config: { ...CONFIG, softmax_scale: 0.3 } };
    const { asker, answers, session, hands } = asked([SHARPER], {}, blunt);
    const { attention, run } = session;
    const sharper = run.change({ ...run.config, softmax_scale: 40 }, run.mask).attention(0);
    const moved = SHARPER.cells.map(([row, column]) => {
      const p = row * attention.w + column;
      const after = sharper.row("attention", p);
      const before = Array.from(attention.row("attention", p));
      return before.reduce((sum, weight, q) => sum + Math.abs(weight - after[q]) / 2, 0);
    });
    expect(Math.min(...moved)).toBeGreaterThan(0.01);
    const order = [...moved].sort((a, b) => b - a);
    hands.release("foreground", pixel([5, 1])); // a cell to choose from
    asker.answer();
    const [answer] = answers();
    expect(answer).toMatchObject({ guess: [5, 1], cell: null });
    expect(answer.truth).toEqual(SHARPER.cells[moved.indexOf(order[0])]);
    expect(answer.rank).toBe(1 + order.indexOf(moved[2]));
    expect(answer.share).toBeCloseTo(moved[2], 12);
  });

  it("go on, are skipped, and are looked back at", () => {
    const { asker, answers, session, click } = asked([WHERE, SHARE, SHARPER]);
    const { at, isOpen } = session.questions;
    asker.next(); // it stands
    expect(at.value).toBe(0);
    click("background", pixel([4, 1]));
    expect(isOpen.value).toBe(false);
    asker.next();
    asker.skip();
    expect([at.value, isOpen.value]).toEqual([2, true]);
    expect(answers()[1]).toMatchObject({ question: 1, guess: null, skipped: true });
    asker.back();
    expect([at.value, isOpen.value]).toEqual([1, false]);
    expect(session.scene.value.query).toEqual([2, 2]);
    asker.back();
    expect(session.scene.value.query).toEqual([1, 3]);
    asker.next();
    asker.next();
    asker.skip();
    expect(at.value).toBeNull();
    expect(session.scene.value.asked).toBeNull();
  });

  it("are about the sample that they name", () => {
    const { session, click, answers } = asked([{ ...WHERE, sample: 1 }], {}, {}, 2);
    expect(session.sample.value).toBe(1);
    click("background", pixel([4, 1]));
    const { weights } = rowOf(session, [1, 3]);
    expect(answers()[0].sample).toBe(1);
    expect(answers()[0].share).toBe(weights[4 * session.attention.gw + 1]);
  });

  it("begin anew when Python takes the answers back", () => {
    const { model, session, click } = asked([WHERE, SHARE]);
    click("background", pixel([4, 1]));
    session.questions.next();
    model.become("answers", []);
    expect(session.questions.at.value).toBe(0);
    expect(session.questions.isOpen.value).toBe(true);
  });

  it("come with the answers that another view gave", () => {
    const { model, session } = asked([WHERE, SHARE]);
    const entry = { question: 0, kind: "where", sample: 0, cell: [1, 3], guess: [0, 0] };
    const more = { truth: [1, 1], rank: 2, share: 0.1, skipped: false };
    model.become("answers", [{ ...entry, ...more } as AnswerData]);
    expect(session.questions.isOpen.value).toBe(false);
    expect(session.scene.value.query).toEqual([1, 3]);
  });
});

describe("On screen", () => {
  beforeEach(() => {
    document.body.append(host);
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });

  function show(questions: readonly QuestionData[]) {
    const page = asked(questions);
    page.stop();
    const { session, kernel, hands } = page;
    const stepIn = { code: signal(null) };
    const tools = { session, kernel: Object.assign(kernel, { stepIn }), hands };
    render(<App tools={tools as never} />, host);
    return page;
  }

  it("stands in the place of sentence, strip and matches", async () => {
    const { click, session } = show([WHERE, SHARE]);
    expect(words(".ctx-ask-count")).toContain("Question 1 of 2");
    expect(words(".ctx-ask .ctx-story")).toMatch(/^Where will cell \(1, 3\).* look\?/);
    expect(host.querySelector(".ctx-strip, .ctx-side, .ctx-inspector, .ctx-lead")).toBeNull();
    for (const key of ["t", "[", "s"]) press(key);
    expect(session.showsTable.value).toBe(false);
    expect(session.stage.value).toBe("attention");
    click("background", pixel([4, 1]));
    await new Promise((done) => setTimeout(done));
    expect(words(".ctx-ask .ctx-story")).toMatch(/^Yours.* is number \d+ of \d+ and gets/);
    expect(host.querySelector(".ctx-side")).not.toBeNull();
  });

  it("takes the teacher's words", () => {
    show([{ ...WHERE, text: "Guess!" }]);
    expect(words(".ctx-ask .ctx-story")).toBe("Guess!");
  });

  it("is skipped by X, and ends with the debugger as always", async () => {
    const { session } = show([WHERE]);
    press("x");
    await new Promise((done) => setTimeout(done));
    expect(session.questions.at.value).toBeNull();
    expect(host.querySelector(".ctx-strip")).not.toBeNull();
    expect(words('[data-do="questions"]')).toBe("Questions");
  });
});
