// What the three panels show: pictures, heat maps, marks and words.
import {wheelColour} from "./colour.js"
import {bitmap, cell, fill} from "./dom.js"
import {strongest} from "./facts.js"
import {Panel} from "./panels.js"
import {patchColours} from "./tiles.js"

const isFlow = stage => stage === "offsets" || stage === "flow"

export class Pictures {
	constructor(session, root, hands) {
		Object.assign(this, {session, made: new Map(), panels: ["foreground", "background", "output"].map(view => new Panel(view, hands))})
		root.append(...this.panels.map(panel => panel.root))
	}

	fit() {
		const {run} = this.session.state
		if (!this.scene) return
		const {H, W, Hb, Wb} = run.data
		for (const panel of this.panels) panel.fit(...(panel.view === "background" ? [Hb, Wb] : [H, W]), run.config.rate)
		this.show(this.session.state, this.scene)
	}

	update(state, scene, changed) {
		this.scene = scene
		if (changed("run")) this.fit()
		else this.show(state, scene)
	}

	show(state, scene) {
		const {run, range, busy, sample, stage, focus} = state, {c} = run.data, {a} = scene, says = captions(state, scene)
		const front = [run.foregroundMaskOf(sample), a.H, a.W, 1], holes = {foreground: front, output: front, background: [run.maskOf(sample), a.Hb, a.Wb, 1]}
		if (stage === "valid" || stage === "attention") { // the patches that it takes out
			a.invalid ??= a.valid.includes(0) ? a.valid.map(v => 1 - v) : null
			holes.background = [a.invalid, a.gh, a.gw, a.config.stride * a.config.rate]
		}
		for (const panel of this.panels.filter(({H}) => H)) {
			const {view, H, W} = panel, shape = [c, H, W].join(" × "), late = view === "output" && !scene.known
			panel.draw(this.picture(state, scene, view), scene[view])
			panel.mark(marks(view, state, scene), arrows(view, state, scene))
			panel.veil(...holes[view])
			panel.say(says[view], late ? fill("late", {percent: busy !== null && `${Math.round(100 * busy)} %`}).textContent : view === "output" && isFlow(stage) ? "offset flow" : shape, scene[view], range === "everything" ? range : `this ${range === "row" ? focus : range}`)
		}
	}

	picture({run, sample, stage, channel}, {a, known}, view) {
		const output = view === "output", front = view === "foreground", flow = output && isFlow(stage), {data} = run, shown = output && run.shown(sample)
		const small = !output && (stage === "downsampled_f" ? front : stage.startsWith("downsampled") && !front), mask = small && stage.endsWith("mask") && a.downsampledMask
		const full = output ? [shown?.output, a.H, a.W] : front ? [a.f, a.H, a.W] : [a.b, a.Hb, a.Wb]
		const [values, rows, cols] = flow ? [known?.argmax, a.h, a.w] : small ? (front ? [a.downsampledF, a.h, a.w] : [a.downsampledB, a.hb, a.wb]) : full
		const key = [view, flow, small, !!mask, channel].join(), held = this.made.get(key), longest = flow && run.longest(sample)
		if (!values || (held?.values === values && held.mask === mask)) return values ? held.made : null
		const given = output ? shown?.picture : !small && data.pictures[front ? "f" : "b"]?.subarray(3 * sample * rows * cols), plain = patchColours({run, channel}, values, rows * cols)
		const colour = flow ? i => wheelColour(...a.offset(i, values[i]), longest) : given && channel === null ? i => given.subarray(3 * i, 3 * i + 3) : plain
		const made = bitmap(rows, cols, i => (mask && mask[i] ? [204, 121, 167] : colour(i)))
		this.made.set(key, {values, mask, made})
		return made
	}
}

function marks(view, state, {a, best, q, p, ledger, pasted}) {
	const {stage, query, pixel, patch, focus} = state, {rate, ksize: k} = a.config, square = (side, out) => ([y, x], kind, label) => ({box: [y * rate - out, x * rate - out, side, side], kind, label})
	const at = square(rate, 0), paste = square(2 * rate, rate >> 1), around = square(k * rate, (k >> 1) * rate), close = stage.endsWith("_patches") || stage === "scores" || stage === "valid"
	const fusing = focus === "query" && stage.startsWith("fused") ? a.fusionTerms(p, q).filter(term => term.inside && (stage === "fused_scores" || term.e === 0)) : []
	const cells = (ledger?.terms ?? []).map(({row, col}) => [row, col])
	if (view === "foreground") {
		if (ledger) return cells.map(place => at(place, "query"))
		return query ? [...(close ? [around(query, "query light")] : []), ...fusing.map(term => at(a.place(term.p), "query light")), at(query, "query")] : []
	}
	if (view === "background") {
		const found = focus === "patch" ? [] : best
		return [...fusing.map(term => at(a.cellOf(term.q), "match light")), ...found.map(({row, col}, i) => at([row, col], "match dashed", found.slice(0, i).some(o => Math.hypot(o.row - row, o.col - col) < 4) ? "" : i + 1)).reverse(),
			...(close && q >= 0 ? [around(a.cellOf(q), "match light"), paste(a.cellOf(q), "match light")] : []), ...(patch === null ? [] : [at(a.cellOf(patch), "match")])]
	}
	if (ledger) return [...cells.map(place => paste(place, "query light")), {box: [...pixel, 1, 1], kind: "pixel"}]
	return query ? [paste(query, "pixel")] : pasted ? strongest(pasted, 12).filter(place => pasted[place] > 0.02).map(place => paste(a.place(place), "pixel light")) : []
}

function arrows(view, {stage, query, focus}, {a, p, known}) {
	const step = Math.max(1, Math.ceil(Math.max(a.h, a.w) / 16)), out = [], middle = place => place.map(v => (v + 0.5) * a.config.rate)
	if (!isFlow(stage)) return out
	if (view === "background" && focus === "query") out.push({from: middle(query), to: middle(a.cellOf(a.argmax(p))), kind: "query"})
	for (let y = step >> 1; known && view === "foreground" && y < a.h; y += step) for (let x = step >> 1; x < a.w; x += step) {
		const offset = a.offset(y * a.w + x, known.argmax[y * a.w + x]), long = Math.hypot(...offset)
		if (long) out.push({from: middle([y, x]), to: middle([y, x].map((v, i) => v + offset[i] * Math.min(1, (0.8 * step) / long))), kind: "many"})
	}
	return out
}

function captions({query, patch, pixel, focus, lock, stage, run, sample}, scene) {
	const {a} = scene, {rate} = a.config, hole = query && run.foregroundMaskOf(sample)?.[(query[0] * a.W + query[1]) * rate], kind = focus === "query" && patch !== null ? "pair" : focus ?? "none"
	const title = run.data.meta.registry.find(({key}) => key === (scene.shown ?? stage)).title
	const values = {...scene, Q: query && cell(...query), K: patch !== null && cell(...a.cellOf(patch)), X: pixel && cell(...pixel), kept: lock === focus, hole, title, side: 2 * rate}
	return Object.fromEntries(["foreground", "background", "output"].map(view => [view, fill(`${kind}-${view}`, values)]))
}
