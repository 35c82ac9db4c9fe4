// Shrunk maps, patches sliding over padded ones, moves along flattened orders. Pure.

export const {floor, max, min, round, fround} = Math

export const split = (i, n) => [floor(i / n), i % n]
export const clamp = (v, size) => min(size - 1, max(0, v))

/** The pixel each shrunk cell samples; aligned corners round in float32, as TensorFlow does. */
export function nearestIndices(size, rate, how) {
	const out = floor(size / rate), scale = fround((size - 1) / max(1, out - 1))
	return Int32Array.from({length: out}, (_, i) => (how === "floor" ? i * rate : floor(fround(fround(i * scale) + 0.5))))
}

export function shrink(x, c, H, W, {rate, shrink: how}) {
	const ys = nearestIndices(H, rate, how), xs = nearestIndices(W, rate, how), out = new x.constructor(c * ys.length * xs.length)
	let at = 0
	for (let k = 0; k < c; k++) for (const y of ys) for (const i of xs) out[at++] = x[(k * H + y) * W + i]
	return out
}

/** Where a flat index goes `d` places down the columns of a grid, on to the next; -1 off either end. */
export function along(p, d, {rows, cols}) {
	const t = (p % cols) * rows + floor(p / cols) + d
	return p < 0 || t < 0 || t >= rows * cols ? -1 : (t % rows) * cols + floor(t / rows)
}

/** sums[i] += from[i moved so], a row at a time: memory is read in order. */
export function addAlong(sums, from, d, {rows, cols}) {
	for (let i = 0; i < rows; i++) {
		const over = floor((i + d) / rows), source = (i + d - over * rows) * cols + over, end = min(cols, cols - over) // over so many columns
		for (let j = max(0, -over); j < end; j++) sums[i * cols + j] += from[source + j]
	}
}

/** Along the rows instead: the same grid as one long row of one-cell columns. */
export const flat = ({rows, cols, step}) => ({rows: 1, cols: rows * cols, step})

export class Padded {
	constructor(x, c, rows, cols, side, before, after) {
		const width = cols + before + after, size = (rows + before + after) * width, planes = new Float32Array(c * size)
		for (let i = 0; i < c * rows; i++) planes.set(x.subarray(i * cols, (i + 1) * cols), floor(i / rows) * size + ((i % rows) + before) * width + before)
		const taps = Int32Array.from({length: c * side * side}, (_, t) => floor(t / side / side) * size + (floor(t / side) % side) * width + (t % side))
		Object.assign(this, {rows, cols, side, before, width, planes, taps, sums: new Float64Array((rows - 1) * width + cols)})
	}

	patch(y, x) {
		const corner = y * this.width + x, {taps, planes} = this, out = new Float64Array(taps.length)
		for (let t = 0; t < taps.length; t++) out[t] = planes[corner + taps[t]]
		return out
	}

	/** ⟨patch, that at every position⟩, six taps a sweep; left in `sums`, `width` a row. */
	correlate(patch) {
		const {planes, taps, sums} = this, n = sums.length
		sums.fill(0)
		for (let t = 0; t < taps.length; t += 6) {
			const [a, b, c, d, e, f] = Array.from({length: 6}, (_, j) => taps[min(t + j, taps.length - 1)]), [p, q, r, u, v, w] = Array.from({length: 6}, (_, j) => patch[t + j] ?? 0)
			for (let i = 0; i < n; i++) sums[i] += p * planes[i + a] + q * planes[i + b] + r * planes[i + c] + u * planes[i + d] + v * planes[i + e] + w * planes[i + f]
		}
		return sums
	}
}

/** A NaN counts as largest, as in PyTorch. */
export function argmaxOf(values) {
	let best = 0
	for (let q = 0; q < values.length; q++) if (values[q] > values[best] || (Number.isNaN(values[q]) && !Number.isNaN(values[best]))) best = q
	return best
}

export function extremes(values, [low, high] = [Infinity, -Infinity]) {
	for (let i = 0; i < values.length; i++) {
		if (values[i] < low && values[i] > -Infinity) low = values[i]
		if (values[i] > high && values[i] < Infinity) high = values[i]
	}
	return [low, high]
}
