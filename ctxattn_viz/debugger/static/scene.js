// What is to be seen, worked out once for all views.
import {ROW_STAGES} from "./attention.js"
import {rangeOf} from "./colour.js"
import {extremes} from "./sliding.js"

/** The row that a stage shows: its own, or the attention that it is made with. */
export const rowStage = stage => (ROW_STAGES.includes(stage) ? stage : ["output", "offsets", "flow"].includes(stage) ? "attention" : null)

export function sceneOf(state) {
	const {run, sample, stage, query, patch, pixel, focus} = state, a = run.attention(sample), shown = rowStage(stage)
	const p = query ? query[0] * a.w + query[1] : -1, best = p >= 0 && focus !== "pixel" ? a.best(p) : []
	const scene = {a, p, q: patch ?? best[0]?.index ?? -1, best, shown, known: run.known(sample), blank: !a.valid.includes(1)}
	const heat = (values, {rows, cols}, step, kind = shown) => ({values, rows, cols, step: step * a.config.rate, range: rangeFor(state, kind, values)})
	if (focus === "pixel") {
		const ledger = a.pixel(...pixel), sources = new Float64Array(a.L)
		for (const term of ledger.terms) a.row("attention", term.p).forEach((v, i) => { sources[i] += v / ledger.divisor; })
		Object.assign(scene, {ledger, best: a.best(p, 5, sources), background: heat(sources, a.G, a.config.stride, "attention")})
	} else if (focus === "patch") {
		const values = shown === "attention" ? a.wherePasted(patch) : shown && a.column(shown, patch)
		if (values) scene.foreground = heat(values, a.F, 1)
		if (shown === "attention") scene.pasted = values
	} else if (p >= 0 && shown) scene.background = heat(a.row(shown, p), a.G, a.config.stride)
	return scene
}

export function stageRange({run, sample}, stage) {
	const {min, max} = run.summaries?.[stage] ?? {}
	return run.known(sample)?.ranges?.[stage] ?? (Number.isFinite(min) ? [min, max] : null)
}

function rangeFor(state, stage, values) {
	const signed = stage !== "attention", all = state.range === "everything"
	if (all && !signed) return {low: 0, high: 1, signed}
	const stages = state.range === "row" ? [] : all ? ROW_STAGES.slice(0, 3) : [stage]
	return rangeOf([...stages.flatMap(key => stageRange(state, key) ?? []), ...extremes(values)], signed)
}

export function rowOf(state, stage) {
	const {a, p, q} = sceneOf(state), {c, P} = a
	if (p < 0) return null
	const own = {
		downsampled_f: () => Array.from({length: c}, (_, k) => a.downsampledF[k * P + p]), downsampled_b: () => a.downsampledB,
		downsampled_mask: () => a.downsampledMask, matching_patches: () => a.matchingPatch(q), paste_patches: () => a.pastePatch(q),
		output: () => a.patch(p), offsets: () => a.offset(p), flow: () => a.offset(p),
	}[stage]
	return own ? own() : a.row(stage, p)
}

export function shapeOf(key, run, {c, h, w, hb, wb, L, H, W, config: {ksize: k, rate}}) {
	const {n} = run.data, rows = [n, h, w, L]
	return {
		downsampled_f: [n, c, h, w], downsampled_b: [n, c, hb, wb], downsampled_mask: [run.mask?.shape[0] ?? 1, 1, hb, wb],
		matching_patches: [n, L, c, k, k], paste_patches: [n, L, c, 2 * rate, 2 * rate], valid: [n, L],
		output: [n, c, H, W], offsets: [n, h, w, 2], flow: [n, 3, h, w],
	}[key] ?? rows
}
