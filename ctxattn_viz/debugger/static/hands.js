// What a hand does on the pictures: look, keep, move, paint the hole.
import {NOTHING} from "./session.js"
import {clamp, floor, max, min} from "./sliding.js"

const KINDS = {foreground: "query", background: "patch", output: "pixel"}
const KEYS = {ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1], Enter: [0, 0], " ": [0, 0]}

/** The pixels within size/2 of a line. */
export function stroke(mask, W, [y0, x0], [y1, x1], size, value) {
	const [dy, dx] = [y1 - y0, x1 - x0]
	for (let i = 0; i < mask.length; i++) {
		const y = floor(i / W) - y0, x = (i % W) - x0, t = min(1, max(0, (y * dy + x * dx) / (dy * dy + dx * dx || 1)))
		if (Math.hypot(y - t * dy, x - t * dx) <= size / 2) mask[i] = value
	}
}

export function rectangle(mask, W, [y0, x0], [y1, x1]) {
	for (let y = min(y0, y1); y <= max(y0, y1); y++) mask.fill(1, y * W + min(x0, x1), y * W + max(x0, x1) + 1)
}

export class Hands {
	constructor(session) { Object.assign(this, {session, kept: null, start: null}); }

	place(view, at) {
		const {gh, gw, h, w, config: {rate, stride}} = this.session.attention, back = view === "background", step = back ? rate * stride : rate
		const found = at.map((v, i) => clamp(floor(v / step), (back ? [gh, gw] : [h, w])[i]))
		return back ? {patch: found[0] * gw + found[1]} : {query: found, ...(view === "output" && {pixel: at})}
	}

	hover(view, at) {
		const {session, kept} = this, {state} = session, {lock, focus} = state, kind = KINDS[view]
		if (lock === kind) return
		if (!at) {
			if (!lock || lock === "query") session.set(lock ? {patch: kept} : NOTHING)
			return
		}
		const there = this.place(view, at)
		for (const name of ["query", "pixel"]) if (String(there[name]) === String(state[name])) delete there[name] // nothing new
		if (!lock) session.set({...(focus === kind ? {} : {...NOTHING, focus: kind}), ...there})
		else if ((lock === "query" && kind === "patch") || (lock === "patch" && kind === "query")) session.set(there)
	}

	/** With a query kept, a patch becomes its partner. */
	keep(view, at) {
		const kind = KINDS[view], there = this.place(view, at), pair = this.session.state.lock === "query" && kind === "patch"
		this.kept = pair ? there.patch : null
		this.session.publish(pair ? there : {...NOTHING, ...there, focus: kind, lock: kind})
	}

	key(view, event) {
		const by = KEYS[event.key], {attention: a, state: {query, pixel, patch}} = this.session, {rate, stride} = a.config
		if (!by || event.ctrlKey || event.metaKey || event.altKey) return
		event.preventDefault()
		event.stopPropagation()
		const [held, step, size] = { foreground: [query?.map(v => v * rate), rate, [a.H, a.W]], output: [pixel, 1, [a.H, a.W]],
			background: [patch === null ? null : a.cellOf(patch).map(v => v * rate), rate * stride, [a.Hb, a.Wb]] }[view]
		const at = held?.map((v, i) => clamp(v + by[i] * step * (event.shiftKey ? 8 : 1), size[i])) ?? size.map(v => v >> 1)
		if (!by.some(Boolean)) this.press(view, at)
		this.release(view, at)
	}

	get canvas() {
		const {data} = this.session.state.run
		return data.sameSize && !data.foregroundMask ? "foreground" : "background"
	}

	press(view, at) {
		const {tool, run} = this.session.state
		if (tool === "look" || view !== this.canvas) return false
		Object.assign(this, {before: run.mask, start: at, last: at})
		this.drag(view, at)
		return true
	}

	drag(view, at) {
		const {tool, brush, run, sample} = this.session.state, {Hb, Wb} = run.data, shape = this.before?.shape ?? [1, Hb, Wb], i = clamp(sample, shape[0])
		if (!this.start || view !== this.canvas) return
		const data = (tool === "rectangle" ? this.before : run.mask)?.data.slice() ?? new Uint8Array(Hb * Wb), plane = data.subarray(i * Hb * Wb, (i + 1) * Hb * Wb)
		if (tool === "rectangle") rectangle(plane, Wb, this.start, at)
		else stroke(plane, Wb, this.last, at, brush, tool === "brush" ? 1 : 0)
		this.last = at
		this.session.paint({shape, data})
	}

	release(view, at) {
		if (!this.start) return this.keep(view, at)
		this.start = null
		this.session.undo.push(this.before)
		this.session.set({fresh: {}})
	}

	undo() { if (this.session.undo.length) this.session.paint(this.session.undo.pop()); }

	put(mask) {
		this.session.undo.push(this.session.state.run.mask)
		this.session.paint(mask)
	}
}
