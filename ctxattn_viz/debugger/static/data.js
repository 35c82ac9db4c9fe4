// What Python sent; and a Run: those inputs under one configuration and one hole.
import {Attention} from "./attention.js"

const ARRAYS = {float32: Float32Array, int32: Int32Array, uint8: Uint8Array}

// Copied: a DataView's offset need not be aligned.
export function typed(buffer, {dtype, shape}, name) {
	const Kind = ARRAYS[dtype], wanted = shape.reduce((a, b) => a * b, Kind.BYTES_PER_ELEMENT), {byteLength = 0, byteOffset = 0} = buffer ?? {}
	if (byteLength !== wanted) throw new Error(`The data is cut short: ${name} has ${byteLength} of ${wanted} bytes. Run the cell again.`)
	return new Kind((buffer.buffer ?? buffer).slice(byteOffset, byteOffset + byteLength))
}

export const readArrays = (arrays, buffers) => Object.fromEntries(
	Object.entries(arrays).map(([name, array]) => [name, typed(buffers[name], array, name)]))

export const readMask = mask => mask?.data && {shape: mask.shape, data: typed(mask.data, {dtype: "uint8", shape: mask.shape}, "mask")}

export function readPayload(meta, buffers) {
	if (meta?.version !== 1) throw new Error("Restart the kernel: it and this page differ in release.")
	const {f, b, mask, foreground_mask: foregroundMask = null, picture_f, picture_b, ...results} = readArrays(meta.arrays, buffers)
	const [n, c, H, W] = meta.arrays.f.shape, [, , Hb, Wb] = meta.arrays.b.shape
	return { meta, n, c, H, W, Hb, Wb, f, b, mask: mask ? {shape: meta.arrays.mask.shape, data: mask} : null, foregroundMask,
		pictures: {f: picture_f, b: picture_b}, results, sameSize: H === Hb && W === Wb }
}

const part = (array, i, size) => array?.subarray(i * size, (i + 1) * size)

export class Run {
	constructor(data, config, mask, summaries = null) {
		Object.assign(this, {data, config, mask, summaries, samples: new Map(), holes: {}})
	}

	change(config, mask) {
		return Object.assign(new Run(this.data, config, mask), {like: this.engine, old: this.samples.size ? this.samples : this.old})
	}

	fill(results) {
		const {n} = this.data, {output, lse, argmax, picture_output: picture} = results
		for (let i = 0; output && i < n; i++) {
			this.know(i, Object.fromEntries(Object.entries({output, lse, argmax, picture}).map(([name, all]) => [name, part(all, i, all.length / n)])))
		}
	}

	know(sample, result) {
		this.samples.set(sample, result)
		if (this.engine?.sample === sample) this.engine.lseOfRun = result.lse
	}

	known(sample) { return this.samples.get(sample) ?? null; }

	maskOf(sample) {
		const {mask, config, data: {Hb, Wb}} = this, i = config.mask_of_batch === "first" ? 0 : Math.min(sample, (mask?.shape[0] ?? 1) - 1)
		return (this.holes[i] ??= part(mask?.data, i, Hb * Wb) ?? null)
	}

	foregroundMaskOf(sample) {
		const {foregroundMask: own, sameSize, H, W} = this.data
		if (!own) return sameSize ? this.maskOf(sample) : null
		return (this.holes[`f${sample}`] ??= part(own, own.length > H * W ? sample : 0, H * W))
	}

	arrays(sample) {
		const {c, H, W, Hb, Wb, f, b} = this.data
		return {c, H, W, Hb, Wb, mask: this.maskOf(sample), f: part(f, sample, c * H * W), b: part(b, sample, c * Hb * Wb)}
	}

	attention(sample) {
		if (this.engine?.sample !== sample) {
			const mask = this.maskOf(sample), lse = this.known(sample)?.lse, shared = this.like?.sample === sample ? this.like.change(this.config, mask, lse) : null
			this.engine = Object.assign(shared ?? new Attention({...this.arrays(sample), lse}, this.config), {sample})
		}
		return this.engine
	}

	/** The longest offset of this and earlier samples. */
	longest(sample) {
		const known = this.known(sample), a = this.attention(sample)
		if (known && !known.longest) {
			const own = known.argmax.reduce((top, q, p) => Math.max(top, Math.hypot(...a.offset(p, q))), 0)
			known.longest = Math.max(own, sample ? this.longest(sample - 1) : 0)
		}
		return known?.longest ?? 0
	}

	shown(sample) { return this.known(sample) ?? this.old?.get(sample) ?? null; }
}
