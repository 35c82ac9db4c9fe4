// What can be said of a query, a key, a pixel: worked out when a template asks for it.
import {paint, rangeOf, wheelColour} from "./colour.js"
import {cell, digits, fill, link, make, number, sum, total, tuple, weightOf} from "./dom.js"
import {clamp, nearestIndices} from "./sliding.js"
import {patchColours, patchTile, swatch, tile} from "./tiles.js"

export const strongest = (values, n) => Array.from(values.keys()).sort((i, j) => values[j] - values[i]).slice(0, n)

export class Facts {
	constructor(state, scene, go) {
		const {a, p, q} = scene
		Object.assign(this, a.config, scene, { state, stage: state.stage, a, side: 2 * a.config.rate, go: (to, at = p, patch = null) => go(to, a.place(at), patch),
			Q: cell(...a.place(p)), K: cell(...a.cellOf(q)), invalid: !a.valid[q], longest: state.run.longest(state.sample) })
	}

	get query() { return patchTile(this.state, this.a.foreground, this.a.place(this.p), {role: "query"}); }
	keyTile(side, q = this.q, ring = []) { return patchTile(this.state, this.a.background, this.a.cellOf(q), {side, ring, role: "match"}); }
	get paste() { return patchTile(this.state, this.a.paste, this.a.cellOf(this.q).map(v => v * this.rate), {role: "match"}); }

	mixedTile(side, p = this.p, ring = []) {
		return tile({rows: this.side, colour: patchColours(this.state, this.a.patch(p), this.side ** 2), side, ring, role: "pixel"})
	}

	get key() { return this.keyTile(); }
	get mixed() { return this.mixedTile(72); }

	get shrunk() {
		const {stage, a, rate} = this, ofF = stage === "downsampled_f", mask = stage === "downsampled_mask", data = ofF ? a.f : mask ? a.mask : a.b, [H, W] = ofF ? [a.H, a.W] : [a.Hb, a.Wb]
		const at = ofF ? a.place(this.p) : a.cellOf(this.q), [ys, xs] = [H, W].map(size => nearestIndices(size, rate, this.shrink)), [y, x] = [ys[at[0]], xs[at[1]]]
		const values = Array.from({length: mask ? 1 : a.c}, (_, k) => data?.[(k * H + y) * W + x] ?? 0)
		return {y, name: ofF ? "f" : mask ? "m" : "b", cell: cell(...at), pixel: cell(y, x), row: at[0], values: tuple(values), mask, plain: at[0] * rate, aligned: this.shrink === "align_corners"}
	}

	get holes() { return this.a.holeCells(this.q); }
	get good() { return total(this.a.valid); }
	get bad() { return this.a.L - this.good; }

	get tested() {
		const {a, q, ksize} = this, [y, x] = a.cellOf(q).map(v => v - (ksize >> 1))
		return this.keyTile(112, q, this.holes.map(([i, j]) => (i - y) * ksize + j - x))
	}

	get match() { return (this.matched ??= this.a.scoreTerms(this.p, this.q)); }
	get cosine() { return this.match.score / this.match.queryNorm; }
	get floor() { return fill(`norm-${this.norm}`); }
	get products() { return sum(this.match.products, (_, i) => [this.match.query[i], " · ", this.match.key[i]]); }

	get productTile() {
		const places = new Float64Array(this.ksize ** 2)
		this.match.products.forEach((v, i) => { places[i % places.length] += v; })
		const range = rangeOf(places, true)
		return tile({rows: this.ksize, colour: i => paint(places[i], range)})
	}

	get rowsOnly() { return this.stage === "fused_rows"; }
	get fusion() { return (this.terms ??= this.a.fusionTerms(this.p, this.q).filter(({e}) => !this.rowsOnly || e === 0)); }
	get wraps() { return this.fusion.filter(term => term.wraps).length; }
	get ends() { return this.fusion.filter(term => !term.inside).length; }
	get before() { return this.a.row(this.rowsOnly ? "scores" : "fused_rows", this.p)[this.q]; }
	get after() { return this.a.row(this.stage, this.p)[this.q]; }

	get fusedTerms() { return sum(this.fusion.map(term => term.score), v => number(v)); }

	get microscope() {
		const {a, go, fusion} = this, range = rangeOf(fusion.map(term => term.score), true)
		return make("div", {class: "ctx-microscope", style: `--side: ${2 * a.reach + 1}`}, fusion.map(({p, q, inside, wraps, score}) => {
			if (!inside) return make("span", {class: "ctx-micro ctx-off"}, "0")
			const key = cell(...a.cellOf(q))
			return make("button", { class: `ctx-micro ${wraps ? "ctx-wraps" : ""}`, onclick: () => go("scores", p, q), title: `s(${cell(...a.place(p))}, ${key}) = ${score}`,
				style: `border-color: rgb(${paint(score, range)})` }, digits(score), make("small", {}, key))
		}))
	}

	get fused() { return this.a.row("fused_scores", this.p)[this.q]; }
	get fusedScore() { return number(this.fused, () => this.go("fused_scores", this.p, this.q)); }
	get lse() { return this.a.lse(this.p).toFixed(2); }
	get weight() { return this.a.row("attention", this.p)[this.q]; }
	get zero() { return this.masked === "zero"; }
	get logit() { return this.invalid ? (this.zero ? "0" : "−∞") : (this.softmax_scale * this.fused).toFixed(2); }
	get share() { return this.zero ? this.bad * Math.exp(-this.a.lse(this.p)) : 0; }
	get percent() { return digits(this.share < 1e-6 ? 0 : 100 * this.share); }

	get curve() {
		const sorted = Float64Array.from(this.a.row("attention", this.p)).sort().reverse(), n = sorted.length, points = []
		for (let i = 0; i < n && sorted[0] >= 0; i = Math.max(i + 1, Math.floor(i * 1.08))) {
			points.push([34 + (216 * Math.log10(1 + i)) / (Math.log10(n) || 1), 8 - 15 * Math.max(-6, Math.log10(sorted[i]))].map(v => v.toFixed(1)))
		}
		return fill("curve", {points: points.join(" "), n: String(n)})
	}

	get place() {
		const {state, a, p, rate} = this
		return this.ledger ? state.pixel : a.place(p).map((v, i) => clamp(v * rate + (rate >> 1), [a.H, a.W][i]))
	}

	get account() { return (this.counted ??= this.ledger ?? this.a.pixel(...this.place)); }
	get sum() { return tuple(this.account.total); }
	get value() { return tuple(this.account.value); }
	get swatch() { return this.look(this.account.value); }
	get constant() { return this.overlap === "constant"; }
	get border() { return this.account.terms.length < 4 && this.constant; }
	look(v) { return swatch(patchColours({...this.state, channel: null}, v, 1)(0)); }

	get rows() {
		return this.account.terms.map(({p, row, col, dy, dx, contribution, best}) => fill("term", {
			Q: link(cell(row, col), () => this.go("attention", p)), place: cell(dy, dx), tile: this.mixedTile(44, p, [dy * this.side + dx]), swatch: this.look(contribution), adds: tuple(contribution),
			rest: total(this.a.row("attention", p)) - weightOf(best),
			weights: best.map(({weight, index, row, col, colour}, j) => make("i", {}, j ? "+ " : "", number(weight, () => this.go("attention", p, index)), ` ${cell(row, col)} `, this.look(colour))),
		}).querySelector("tr"))
	}

	get offset() { return this.a.offset(this.p, this.q); }
	get hue() { return `rgb(${wheelColour(...this.offset, this.longest)})`; }

	get spot() { return this.offset.map(v => 50 + (50 * v) / (this.longest || 1)); }

	lead(p, words) { return link(words, () => this.go("attention", p, this.q)); }
	get sent() { return this.pasted ?? []; }
	get sentInAll() { return total(this.sent); }
	get sentTerms() { return sum(this.sent, (v, p) => this.lead(p, digits(v))); }
	get places() { return strongest(this.sent, 5).map(p => make("li", {}, this.lead(p, cell(...this.a.place(p))), " ", this.sent[p])); }
}
