// One query of contextual attention, without the score matrix. Pure: arrays in, arrays out.
// f (c,H,W), b (c,Hb,Wb), mask (Hb,Wb; 1 = hole) or null, lse (h,w) or null; p = row·w + col is a query, q = i·gw + j
// the patch at b's cell (i, j)·stride. row(stage, p) is over q, column(stage, q) over p: read them only.
import {Padded, addAlong, along, argmaxOf, clamp, extremes, flat, floor, max, min, shrink, split} from "./sliding.js"

export const ROW_STAGES = ["scores", "fused_rows", "fused_scores", "attention"]
const KEEP_BYTES = 24e6
const SCORING = ["rate", "ksize", "stride", "shrink", "norm"] // what the scores depend on

export class Attention {
	constructor({f, b, mask = null, c, H, W, Hb = H, Wb = W, lse = null}, config) {
		const {rate, stride, ksize, norm} = config, pad = ksize >> 1, [h, w, hb, wb] = [H, W, Hb, Wb].map(size => floor(size / rate)), [gh, gw] = [hb, wb].map(size => Math.ceil(size / stride)), L = gh * gw
		Object.assign(this, {config, f, b, c, H, W, Hb, Wb, h, w, hb, wb, gh, gw, L, P: h * w, F: {rows: h, cols: w, step: stride}, G: {rows: gh, cols: gw, step: 1}})
		this.downsampledF = shrink(f, c, H, W, config)
		this.downsampledB = shrink(b, c, Hb, Wb, config)
		this.foreground = new Padded(this.downsampledF, c, h, w, ksize, pad, pad)
		this.background = new Padded(this.downsampledB, c, hb, wb, ksize, pad, pad)
		this.paste = new Padded(b, c, Hb, Wb, 2 * rate, rate >> 1, 2 * rate - (rate >> 1))
		this.norms = Float64Array.from({length: L}, (_, q) => {
			let squares = norm === "per_element" ? 1e-4 * c * ksize ** 2 : 0
			for (const v of this.matchingPatch(q)) squares += v * v
			return norm === "none" ? 1 : norm === "max" ? max(Math.sqrt(squares), 1e-4) : Math.sqrt(squares)
		})
		Object.assign(this, {raws: new Map(), firsts: new Map(), kept: max(16, floor(KEEP_BYTES / (12 * L)))})
		this.setMask(mask, lse)
	}

	/** The scores shared; null where they differ. */
	change(config, mask, lse) {
		if (SCORING.some(field => config[field] !== this.config[field])) return null
		const other = Object.assign(Object.create(Attention.prototype), this, {config, firsts: new Map()})
		other.setMask(mask, lse)
		return other
	}

	setMask(mask, lse = null) {
		const {Hb, Wb, hb, wb, L, config} = this
		Object.assign(this, {mask, lseOfRun: lse, leaking: null, invalid: null, entries: new Map()})
		this.downsampledMask = mask ? shrink(mask, 1, Hb, Wb, config) : new Uint8Array(hb * wb)
		this.valid = Uint8Array.from({length: L}, (_, q) => !this.holeCells(q).length)
	}

	place(p) { return split(p, this.w); }
	/** The cell where another run, of another rate, has this one. */
	at(cell, {config}) { return cell.map((v, i) => clamp(floor((v * config.rate) / this.config.rate), [this.h, this.w][i])); }
	cellOf(q) { return split(q, this.gw).map(v => v * this.config.stride); }
	queryPatch(p) { return this.foreground.patch(...this.place(p)); }
	matchingPatch(q) { return this.background.patch(...this.cellOf(q)); }
	pastePatch(q) { return this.paste.patch(...this.cellOf(q).map(v => v * this.config.rate)); }

	holeCells(q) {
		const [y, x] = this.cellOf(q), m = this.config.ksize >> 1, {hb, wb, downsampledMask: mask} = this, hits = []
		for (let i = clamp(y - m, hb); i <= clamp(y + m, hb); i++) for (let j = clamp(x - m, wb); j <= clamp(x + m, wb); j++) if (mask[i * wb + j]) hits.push([i, j])
		return hits
	}

	/** How many pixels of the hole may be pasted all the same: too thin for the shrinking. */
	get leaks() {
		const {mask, valid, Wb, gw, config: {rate, stride}} = this
		return (this.leaking ??= mask?.reduce((n, v, i) => n + (v && valid[split(i, Wb).map(at => floor(at / rate / stride)).reduce((row, col) => row * gw + col)]), 0) ?? 0)
	}

	row(stage, p) {
		if (stage === "valid") return this.valid
		if (stage === "scores") return this.raw(p)
		if (stage === "fused_rows") return this.first(p)
		const entry = this.recall(this.entries, p, () => ({fused: this.pass(p, this.F, this.G, at => this.first(at))}), 6)
		return stage === "fused_scores" ? entry.fused : (entry.attention ??= this.softmax(entry.fused)).weights
	}

	attended(p) { return this.row("attention", p) && this.entries.get(p).attention; }
	lse(p) { return this.attended(p).lse; }

	// The least recently used rows leave first.
	recall(rows, p, make, most = this.kept) {
		const row = rows.get(p) ?? make()
		rows.delete(p)
		rows.set(p, row)
		if (rows.size > most) rows.delete(rows.keys().next().value)
		return row
	}

	raw(p) {
		const {background, norms, L, gw, config: {stride}} = this
		return this.recall(this.raws, p, () => {
			const sums = background.correlate(this.queryPatch(p)), row = new Float32Array(L)
			for (let q = 0, i = 0; q < L; i += stride * background.width) for (let j = 0; j < gw; j++, q++) row[q] = sums[i + j * stride] / norms[q]
			return row
		})
	}

	first(p) { return this.recall(this.firsts, p, () => this.pass(p, flat(this.F), flat(this.G), at => this.raw(at))); }

	rawColumn(q) {
		const {foreground: {width}, norms, w} = this, sums = this.foreground.correlate(this.matchingPatch(q))
		return Float64Array.from({length: this.P}, (_, p) => sums[floor(p / w) * width + (p % w)] / norms[q])
	}

	get reach() { return this.config.fuse ? this.config.fuse_k >> 1 : 0; }

	// One pass of the fusion, at an index of the grid `own`, over the grid `other`.
	pass(at, own, other, before) {
		const sums = new Float64Array(other.rows * other.cols)
		for (let d = -this.reach; d <= this.reach; d++) {
			const from = along(at, own.step * d, own)
			if (from >= 0) addAlong(sums, before(from), other.step * d, other)
		}
		return sums
	}

	column(stage, q) {
		const {F, G} = this, raw = at => this.rawColumn(at), first = at => this.pass(at, flat(G), flat(F), raw)
		return {scores: raw, fused_rows: first, fused_scores: at => this.pass(at, G, F, first)}[stage](q)
	}

	wherePasted(q) {
		const {lseOfRun: lse, config: {softmax_scale: scale}} = this
		if (!lse) return null
		return this.valid[q] ? this.column("fused_scores", q).map((v, p) => Math.exp(scale * v - lse[p])) : Float64Array.from(lse, v => 0 * v)
	}

	softmax(fused) {
		const {valid, L, config: {softmax_scale: scale, masked}} = this, weights = new Float64Array(L), zero = masked === "zero"
		let top = -Infinity, sum = 0
		for (let q = 0; q < L; q++) {
			weights[q] = valid[q] ? scale * fused[q] : zero ? 0 * fused[q] : -Infinity // 0 · NaN is NaN
			if (weights[q] > top) top = weights[q]
		}
		for (let q = 0; q < L; q++) sum += weights[q] = Math.exp(weights[q] - top)
		for (let q = 0; q < L; q++) weights[q] *= (valid[q] || !zero ? 1 : 0) / sum
		return {weights, lse: top + Math.log(sum)}
	}

	argmax(p) { return argmaxOf(this.row("attention", p)); }

	offset(p, q = this.argmax(p)) { return this.cellOf(q).map((v, i) => v - this.place(p)[i]); }

	best(p, n = 5, weights = this.row("attention", p)) {
		const [scores, fused] = ["scores", "fused_scores"].map(stage => this.row(stage, p)), top = []
		while (top.length < min(n, this.L)) {
			let index = -1
			for (let q = 0; q < this.L; q++) if ((index < 0 || weights[q] > weights[index]) && !top.some(match => match.index === q)) index = q
			const [row, col] = this.cellOf(index)
			top.push({index, row, col, score: scores[index], fused: fused[index], weight: weights[index]})
		}
		return top
	}

	patch(p) {
		const kept = this.attended(p)
		return (kept.patch ??= this.mix(kept.weights))
	}

	// Σ_q weights[q] · paste(q), without what moves it by less than a millionth.
	mix(weights) {
		const {paste: {planes, taps, width}, gw, config: {rate, stride}} = this, corners = [], kept = [], out = new Float64Array(taps.length)
		let top = 0
		for (const v of weights) if (!(v <= top)) top = v
		const least = (top * 1e-6) / weights.length
		for (let q = 0; q < weights.length; q++) {
			if (weights[q] < least || weights[q] === 0) continue
			corners.push(rate * stride * (floor(q / gw) * width + (q % gw)))
			kept.push(weights[q])
		}
		for (let t = 0; t < taps.length; t++) {
			let sum = 0
			for (let i = 0; i < kept.length; i++) sum += kept[i] * planes[corners[i] + taps[t]]
			out[t] = sum
		}
		return out
	}

	// The cells of an axis whose patches cover its pixel `y`.
	covering(y, cells) {
		const {rate} = this.config, last = floor((y + (rate >> 1)) / rate)
		return [last - 1, last].filter(i => i >= 0 && i < cells)
	}

	divisor(y, x) { return this.config.overlap === "constant" ? 4 : this.covering(y, this.h).length * this.covering(x, this.w).length; }

	pixel(y, x) {
		const {c, w, config: {rate}} = this, side = 2 * rate, total = new Float64Array(c), divisor = this.divisor(y, x)
		const terms = this.covering(y, this.h).flatMap(row => this.covering(x, w).map(col => {
			const p = row * w + col, [dy, dx] = [y - row * rate, x - col * rate].map(v => v + (rate >> 1)), colour = patch => total.map((_, k) => patch[(k * side + dy) * side + dx])
			return {p, row, col, dy, dx, contribution: colour(this.patch(p)), best: this.best(p, 3).map(match => ({...match, colour: colour(this.pastePatch(match.index))}))}
		}))
		for (const {contribution} of terms) contribution.forEach((v, k) => { total[k] += v; })
		return {terms, total, divisor, value: total.map(v => v / divisor)}
	}

	scoreTerms(p, q) {
		const query = this.queryPatch(p), key = this.matchingPatch(q), norm = this.norms[q], products = query.map((v, i) => v * key[i])
		return {query, key, products, norm, queryNorm: Math.hypot(...query), score: products.reduce((sum, v) => sum + v, 0) / norm}
	}

	/** The fuse_k² scores that enter fused_scores(p, q), wraps and ends marked. */
	fusionTerms(p, q) {
		const {F, G, reach: m} = this, terms = [], line = (at, grid) => floor(at / grid.cols)
		for (let e = -m; e <= m; e++) for (let d = -m; d <= m; d++) {
			const p1 = along(p, F.step * e, F), q1 = along(q, e, G), p2 = along(p1, F.step * d, flat(F)), q2 = along(q1, d, flat(G)), inside = p2 >= 0 && q2 >= 0
			const wraps = inside && (line(p2, F) !== line(p1, F) || line(q2, G) !== line(q1, G) || p1 % F.cols !== p % F.cols || q1 % G.cols !== q % G.cols)
			terms.push({d, e, p: p2, q: q2, inside, wraps, score: inside ? this.scoreTerms(p2, q2).score : 0})
		}
		return terms
	}

	*output() {
		const {h, w, H, W, c, P, L, config: {rate, stride}} = this, side = 2 * rate, total = new Float64Array(c * H * W), lse = new Float32Array(P), argmax = new Int32Array(P), ranges = {}
		// Down the columns, so that a pass finds its neighbours remembered.
		this.kept = max(this.kept, min((2 * this.reach * stride + 1) * (h + 1), floor(1e8 / L)))
		for (let col = 0; col < w; col++) {
			for (let row = 0; row < h; row++) {
				const p = row * w + col, patch = this.patch(p), [top, left] = [row, col].map(v => v * rate - (rate >> 1))
				for (const stage of ROW_STAGES) ranges[stage] = extremes(this.row(stage, p), ranges[stage])
				lse[p] = this.lse(p)
				argmax[p] = this.argmax(p)
				for (let t = 0, k = 0; k < c; k++) for (let y = top; y < top + side; y++) for (let x = left; x < left + side; x++, t++) {
					if (y >= 0 && y < H && x >= 0 && x < W) total[(k * H + y) * W + x] += patch[t]
				}
			}
			yield (col + 1) / w
		}
		const output = Float32Array.from(total, (v, i) => v / this.divisor(floor(i / W) % H, i % W))
		const rest = {output, downsampled_f: this.downsampledF, matching_patches: this.background.planes, valid: this.valid, offsets: Array.from(argmax, (q, p) => this.offset(p, q)).flat()}
		for (const [stage, values] of Object.entries(rest)) ranges[stage] = extremes(values)
		this.lseOfRun = lse
		return {output, lse, argmax, ranges}
	}
}
