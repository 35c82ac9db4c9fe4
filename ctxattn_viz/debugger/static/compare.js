// Two runs of the same inputs: A, kept, beside B, the present one.
import {ROW_STAGES} from "./attention.js"
import {heat, rangeOf} from "./colour.js"
import {bitmap, digits, fill} from "./dom.js"
import {rowStage} from "./scene.js"
import {patchColours} from "./tiles.js"

const valuesOf = (a, p) => ({
	downsampled_f: a.downsampledF, downsampled_b: a.downsampledB, downsampled_mask: a.downsampledMask, matching_patches: [a.config.ksize], valid: a.valid,
	...Object.fromEntries(p < 0 ? [] : ROW_STAGES.map(stage => [stage, a.row(stage, p)])),
})

/** The first stage that differs, of rows the query's. */
export function firstDifference(A, B, pA, pB, registry) {
	const [x, y] = [valuesOf(A, pA), valuesOf(B, pB)]
	for (const {key, title} of registry) {
		if (!x[key] || !y[key]) continue
		if (x[key].length !== y[key].length) return {key, title, by: "in shape"}
		const most = x[key].reduce((top, v, i) => Math.max(top, Math.abs(v - y[key][i])), 0)
		if (most > 1e-9) return {key, title, by: `by at most ${digits(most)}`}
	}
	return null
}

export class Compare {
	constructor(session, root) { Object.assign(this, {session, root}); }

	pin() { this.session.set({pinned: this.session.state.pinned ? null : this.session.state.run}); }

	update(state, {a: B, p}) {
		const {pinned, run, sample, stage, query} = state, {root, session} = this
		root.hidden = !pinned
		if (!pinned) return
		const A = pinned.attention(sample), shown = rowStage(stage) ?? "attention", {H, W, meta: {registry}} = run.data, pictures = []
		const add = (drawn, words) => pictures.push(fill("small", {drawn, words}))
		const gap = (values, size, signed, of) => { const range = rangeOf(values, signed); add(heat(values, range, ...size), `B − A of ${of}, up to ${values.some(v => v) ? digits(range.high) : 0}`); }
		const pA = query ? A.at(query, B).reduce((row, col) => row * A.w + col) : -1
		if (p >= 0) {
			const x = A.row(shown, pA), y = B.row(shown, p), range = rangeOf([...x, ...y], shown !== "attention"), {title} = registry.find(({key}) => key === shown)
			add(heat(x, range, A.gh, A.gw), `A: ${title}`)
			add(heat(y, range, B.gh, B.gw), `B: ${title}`)
			if (x.length === y.length) gap(y.map((v, i) => v - x[i]), [B.gh, B.gw], true, title)
		}
		const [u, v] = [pinned, run].map(of => of.known(sample)?.output), plane = H * W
		for (const [name, output] of Object.entries({A: u, B: v})) if (output) add(bitmap(H, W, patchColours(state, output, plane)), `${name}: output`)
		if (u && v) {
			const most = new Float32Array(plane)
			u.forEach((value, i) => { most[i % plane] = Math.max(most[i % plane], Math.abs(value - v[i])); })
			gap(most, [H, W], false, "the output")
		}
		const changes = Object.keys(run.config).filter(k => pinned.config[k] !== run.config[k]).map(k => `${k} ${pinned.config[k]} → ${run.config[k]}`).join(", ")
		const first = firstDifference(A, B, pA, p, registry)
		root.replaceChildren(fill("comparison", {...first, pictures, go: () => session.publish({stage: first.key}), changes}))
	}
}
