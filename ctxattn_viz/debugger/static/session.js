// The state, and the way to the kernel: hovering never leaves the page, a lock or a setting does.
import {Run, readArrays, readMask, readPayload} from "./data.js"
import {fill} from "./dom.js"
import {clamp} from "./sliding.js"
import {Background} from "./worker.js"

const PATIENCE = 5000 // ms the kernel has before the page computes for itself
export const NOTHING = {query: null, patch: null, pixel: null, focus: null, lock: null}
const FIRST = {...NOTHING, sample: 0, channel: null, pinned: null, busy: null, problem: "", fatal: ""}
const equal = (x, y) => JSON.stringify(x) === JSON.stringify(y)
const differs = (x, y) => y && Object.keys(x).some(name => name !== "dialect" && y[name] !== x[name])

export class Session {
	constructor(model) {
		Object.assign(this, {model, views: new Set(), undo: [], listeners: []})
		this.state = {...FIRST, run: null, stage: "attention", range: "row", tool: "look", brush: 6, offline: false}
		this.worker = new Background(() => model.get("_module") ?? model.get("_esm"), busy => this.set({busy}))
	}

	set(changes) {
		const news = Object.keys(changes).filter(key => changes[key] !== this.state[key]), changed = (...keys) => keys.some(key => news.includes(key))
		this.state = {...this.state, ...changes}
		if (news.length) for (const view of this.views) view(this.state, changed)
	}

	get attention() { return this.state.run.attention(this.state.sample); }
	get alone() { return !this.state.run.data.meta.kernel || this.state.offline; }

	start() {
		const calls = {
			"change:meta": () => this.load(), "change:answer": () => this.receive(), "comm_live_update": () => this.set({offline: this.gone()}),
			"change:softmax_scale": () => this.change({softmax_scale: this.model.get("softmax_scale")}),
			"msg:custom": content => (content?.kind === "refused" ? this.finish({problem: content.reason, busy: null}) : this.told(content)),
		}
		for (const name of ["query", "pixel", "stage", "sample"]) calls[`change:${name}`] = () => this.follow()
		for (const name of ["config", "mask"]) calls[`change:${name}`] = () => this.outside()
		this.listeners = Object.entries(calls).map(([name, call]) => [name, (...news) => this.writing || call(...news)])
		for (const [name, call] of this.listeners) this.model.on(name, call)
		this.load()
	}

	stop() {
		for (const [name, call] of this.listeners) this.model.off(name, call)
		clearTimeout(this.timer)
		this.worker.close()
		this.views.clear()
	}

	load() {
		try {
			const data = readPayload(this.model.get("meta"), this.model.get("buffers")), run = new Run(data, data.meta.config, data.mask, data.meta.summaries)
			run.fill(data.results)
			this.undo = []
			this.set({...FIRST, run})
			this.heard = run
			this.outside()
			this.follow()
			this.receive()
			if (!this.state.run.known(0) && this.state.busy === null) this.request()
		} catch (error) {
			this.set({fatal: error.message})
		}
	}

	follow() {
		const {run, lock, ...state} = this.state, {meta: {registry}, n, H, W} = run.data, a = run.attention(state.sample), next = {problem: ""}
		const [stage, sample, query, pixel] = ["stage", "sample", "query", "pixel"].map(name => this.model.get(name))
		const inside = (at, ...size) => at?.length === size.length && at.every((v, i) => Number.isInteger(v) && v === clamp(v, size[i]))
		const check = (good, name, value) => { if (!good) next.problem = fill("wrong", {...a, n, name, value: String(value)}).textContent; return good; }
		if (check(registry.some(({key}) => key === stage), "stage", stage)) next.stage = stage
		if (check(inside([sample], n), "sample", sample)) next.sample = sample
		if (pixel && check(inside(pixel, H, W), "pixel", pixel)) Object.assign(next, NOTHING, {pixel, query: pixel.map(v => Math.floor(v / a.config.rate)), focus: "pixel", lock: "pixel"})
		else if (query && check(inside(query, a.h, a.w), "query", query)) Object.assign(next, equal(query, state.query) ? {} : NOTHING, {query, focus: "query", lock: "query"})
		else if (!query && !pixel && lock !== "patch") Object.assign(next, NOTHING)
		this.set(next)
	}

	/** What the kernel was told comes back while a hand paints on: that is no news. */
	outside() {
		const {heard, state: {run}} = this, config = this.model.get("config"), mask = readMask(this.model.get("mask")), same = String(mask?.data) === String(heard.mask?.data)
		if (same && !differs(heard.config, config)) return
		this.replace({...run.config, ...config}, same ? run.mask : mask)
		this.heard = this.state.run
		if (this.alone) this.request()
	}

	receive() {
		const answer = this.model.get("answer"), {heard, state: {run}} = this
		if (!answer?.config || (answer.request ?? 0) < (this.model.get("request") ?? 0) || differs(heard.config, answer.config)) return
		heard.fill(readArrays(answer.arrays, answer))
		heard.summaries = answer.summaries
		if (heard !== run) run.old = heard.samples // shown until its own is there
		this.finish({busy: null, fresh: {}})
	}

	/** A lock, a release, a step: written to the model at once. */
	publish(changes) {
		this.set(changes)
		const {stage, sample, query, pixel, lock} = this.state
		this.write({stage, sample, query: lock === "query" ? query : null, pixel: lock === "pixel" ? pixel : null})
	}

	write(values) {
		const news = Object.keys(values).filter(name => !equal(this.model.get(name) ?? null, values[name]))
		this.writing = true
		for (const name of news) this.model.set(name, values[name])
		this.writing = false
		if (news.length) this.model.save_changes()
	}

	change(settings) {
		const {run} = this.state, config = {...run.config, ...settings}, {dialects} = run.data.meta
		if (!differs(settings, run.config)) return
		config.dialect = Object.keys(dialects).find(name => !differs(dialects[name], config)) ?? "custom"
		this.replace(config, run.mask)
		this.request()
	}

	paint(mask) {
		this.replace(this.state.run.config, mask)
		this.request()
	}

	/** A new run: its rows at once, its output once computed. */
	replace(config, mask) {
		const {run: old, query, sample} = this.state, run = old.change(config, mask), next = {run, problem: ""}, there = query && run.attention(sample).at(query, old)
		if (config.rate !== old.config.rate || config.stride !== old.config.stride) Object.assign(next, NOTHING, there && {query: there, focus: "query", lock: "query"})
		this.set(next)
	}

	request() {
		this.queued = Boolean(this.inFlight)
		if (this.queued) return
		clearTimeout(this.timer)
		this.set({busy: 0})
		this.timer = setTimeout(() => (this.alone ? this.compute() : this.ask()), 50) // let a drag go on
	}

	ask() {
		this.inFlight = (this.model.get("request") ?? 0) + 1
		this.record({request: this.inFlight})
		this.timer = setTimeout(() => { this.finish({}); this.compute(); }, PATIENCE)
	}

	/** For the kernel, or for a page to be saved. */
	record(more) {
		const {config, mask} = this.heard = this.state.run
		this.write({config, softmax_scale: config.softmax_scale, mask: mask && {shape: mask.shape, data: mask.data.slice()}, ...more})
	}

	finish(changes) {
		clearTimeout(this.timer)
		this.inFlight = null
		this.set(changes)
		if (this.queued) this.request()
	}

	async compute() {
		const {run, sample} = this.state
		this.record()
		const result = await this.worker.compute(run.arrays(sample), run.config)
		if (!result || run !== this.state.run) return
		run.know(sample, result)
		this.set({busy: null, fresh: {}})
	}

	/** Other inputs, made in the page. */
	adopt(meta, buffers, mask) {
		this.write({query: null, pixel: null, sample: 0, answer: {}, buffers, mask})
		this.model.set("meta", {...meta, config: this.state.run.config})
	}
}
