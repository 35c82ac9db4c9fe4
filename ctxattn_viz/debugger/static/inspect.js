// The strip of stages, and what the chosen one does to the chosen cell.
import {cell, digits, fill, weightOf} from "./dom.js"
import {Facts} from "./facts.js"
import {rowStage, shapeOf, stageRange} from "./scene.js"

function bytes(n) {
	const unit = Math.floor(Math.log10(n || 1) / 3)
	return `${digits(n / 1000 ** unit)} ${["B", "KB", "MB", "GB", "TB"][unit]}`
}

const named = (axes, shape) => axes.map((axis, i) => `${axis} ${shape[i]}`).join(" × ")

export class Strip {
	constructor(session, root) { Object.assign(this, {session, root}); }

	get steps() { return Object.values(Object.groupBy(this.session.state.run.data.meta.registry, ({step}) => step)); }

	at() { return this.steps.findIndex(stages => stages.some(({key}) => key === this.session.state.stage)); }

	step(by) {
		const next = this.steps[this.at() + by]
		if (next) this.show(next[0])
		if (this.root.contains(document.activeElement)) this.root.children[this.at()].focus({preventScroll: true})
		return next
	}

	/** A pixel's ledger is the output's: other stages show its cell. */
	show({key}) {
		this.session.publish({stage: key, ...(this.session.state.focus === "pixel" && key !== "output" && {pixel: null, focus: "query", lock: "query"})})
	}

	update(state, changed) {
		const anew = changed("run", "fresh", "sample")
		if (anew) this.root.replaceChildren(...this.steps.map((stages, i) => this.button(state, stages, i)))
		if (anew || changed("stage")) [...this.root.children].forEach((button, i) => button.setAttribute("aria-current", i === this.at() && "step"))
	}

	button(state, stages, i) {
		const {run, sample} = state, a = run.attention(sample), [{key, axes, step}] = stages, shape = shapeOf(key, run, a), summary = run.summaries?.[key]
		const sick = stages.flatMap(stage => {
			const {nan, inf, masked_rows: rows} = run.summaries?.[stage.key] ?? {}, masked = stage.key === "attention" && !a.valid.includes(1)
			return [nan && `${nan} NaN`, inf && `${inf} infinite`, rows ? `${rows} rows all masked` : masked && "all masked"].filter(Boolean)
		})
		return fill("step", { step, i, badge: sick.length ? "⚠" : "", shape: shape.slice(shape[0] === 1 ? 1 : 0).join(" × "), range: stageRange(state, key)?.map(digits).join(" … ") ?? "not computed",
			cost: bytes(summary?.bytes ?? 4 * shape.reduce((x, y) => x * y, 1)), time: summary?.seconds && `${digits(1000 * summary.seconds)} ms`,
			title: [named(axes, shape), ...sick].join("; "), go: () => this.show(stages[0]) })
	}
}

export class Inspector {
	constructor(session, parts) { Object.assign(this, {session, parts}); }

	update(state, scene, changed) {
		const {run, stage, focus} = state, {a, p, best, blank, ledger} = scene, {registry} = run.data.meta, {parts, session} = this
		const go = (to, query, patch) => session.publish({stage: to, query, patch, pixel: null, focus: "query", lock: "query"}), facts = new Facts(state, scene, go)
		const ask = focus === "query" || (focus === "patch" && stage === "valid") ? null : focus, seen = ask === "pixel" ? "output" : stage
		const entry = registry.find(({key}) => key === seen), shape = shapeOf(seen, run, a), same = registry.filter(({step}) => step === entry.step)
		if (changed("run", "stage", "focus")) parts.title.replaceChildren(fill("stage", { title: ask ? fill(`title-${ask}`) : entry.title, equation: entry.equation, axes: named(entry.axes, shape),
			tabs: same.length > 1 && same.map(({key, title}) => fill("tab", {key, title, on: key === stage, go: () => session.publish({stage: key})})) }))
		parts.source.textContent = entry.source
		const sick = blank && rowStage(stage) === "attention" ? `masked-${a.config.masked}` : p >= 0 && a.row(rowStage(stage) ?? "scores", p).some(Number.isNaN) ? "sick" : "well"
		parts.view.replaceChildren(fill(sick), fill(ask === "patch" ? ask : !ask && scene.q < 0 ? "nothing" : entry.step.split(" ")[0], facts))
		if (!changed("run", "sample", "channel", "query", "patch", "pixel", "focus")) return
		const top = best[0]?.weight || 1, rest = (ledger ? ledger.terms.length / ledger.divisor : 1) - weightOf(best)
		parts.matches.replaceChildren(...best.map((match, i) => fill("match", { ...match, i, tile: facts.keyTile(24, match.index), K: cell(match.row, match.col), on: state.patch === match.index,
			share: 100 * Math.max(0, match.weight / top) || 0, go: () => session.publish({patch: state.patch === match.index ? null : match.index, focus: "query", lock: "query"}) })))
		parts.rest.replaceChildren(fill(p < 0 ? "no-query" : "rest", Object.assign(facts, {rest: digits(100 * Math.max(0, rest))})))
	}
}
