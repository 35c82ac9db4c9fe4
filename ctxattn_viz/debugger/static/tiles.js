// Small pictures of patches.
import {paint, rangeOf} from "./colour.js"
import {bitmap, make} from "./dom.js"

/** `colour(i)` of each place, open where it is null; `ring` places outlined. */
export function tile({rows, colour, ring = [], side = 112, role = ""}) {
	const step = Math.max(1, Math.floor(side / rows))
	const marks = ring.map(i => make("i", {style: `--x: ${i % rows}; --y: ${Math.floor(i / rows)}`}))
	return make("span", {class: `ctx-tile ctx-role-${role}`, style: `--step: ${step}px; --rows: ${rows}`, role: "img", "aria-label": `patch ${role}`},
		bitmap(rows, rows, i => colour(i) ?? [0, 0, 0, 0]), marks)
}

/** The colour of each place: as pictures have it, or one channel in the signed map. */
export function patchColours({run, channel}, values, area) {
	const {mean, basis, low, high} = run.data.meta.look, own = values.subarray(channel * area, (channel + 1) * area), range = rangeOf(own, true)
	if (channel !== null) return i => paint(own[i], range)
	return i => [0, 1, 2].map(j => {
		const sum = basis.reduce((to, row, k) => to + (values[k * area + i] - mean[k]) * row[j], -low[j])
		return Math.min(255, Math.max(0, Math.round((255 * sum) / (high[j] - low[j] || 1))))
	})
}

/** The patch of a padded map at a cell: beyond the map it is open. */
export function patchTile(state, padded, [y, x], more) {
	const {side: n, before, rows, cols} = padded, inner = patchColours(state, padded.patch(y, x), n * n)
	const inside = i => [[y - before + Math.floor(i / n), rows], [x - before + (i % n), cols]].every(([v, size]) => v >= 0 && v < size)
	return tile({rows: n, colour: i => (inside(i) ? inner(i) : null), ...more})
}

export const swatch = colour => make("span", {class: "ctx-swatch", style: `background: rgb(${colour.slice(0, 3)})`})
