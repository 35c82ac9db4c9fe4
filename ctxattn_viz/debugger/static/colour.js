// What a value looks like. The lowest level of cividis is left open (alpha 0): the picture shows there.
import {bitmap} from "./dom.js"
import {extremes, floor, max, min, round} from "./sliding.js"

// cividis, and PuOr from its purple end: levels and their colours, straight lines between.
const CIVIDIS = table("00224e003070013271123570263d6e3f4c6c62656f828079a69c74c8b866e4ce53f7de3efde334fee838", [0, 20, 23, 28, 39, 60, 97, 134, 171, 204, 229, 246, 251, 255])
const PURPLE_ORANGE = table("2d004b5427888073acb2abd2d8daebf7f7f7fee0b6fdb863e08214b358067f3b08", Array.from({length: 11}, (_, i) => 25.5 * i))
const SICK = [230, 0, 120, 255], OPEN = [0, 34, 78, 0] // NaN; the lowest level

function table(hex, levels) {
	const colours = hex.match(/.{6}/g).map(colour => colour.match(/../g).map(v => parseInt(v, 16)))
	return Array.from({length: 256}, (_, level) => {
		const i = max(0, levels.findIndex(v => v >= level) - 1), t = (level - levels[i]) / (levels[i + 1] - levels[i])
		return [...colours[i].map((v, k) => round(v + t * (colours[i + 1][k] - v))), 255]
	})
}

export function paint(value, range) {
	if (Number.isNaN(value)) return SICK
	const level = round(255 * min(1, max(0, (value - range.low) / (range.high - range.low || 1))))
	return range.signed ? PURPLE_ORANGE[level] : level ? CIVIDIS[level] : OPEN
}

/** From zero to the most, or as far either way where values have a sign. */
export function rangeOf(values, signed) {
	const [low, high] = extremes(values), top = max(signed ? -low : 0, high, 0) || 1
	return {low: signed ? -top : 0, high: min(top, Number.MAX_VALUE), signed}
}

export const heat = (values, range, rows, cols) => bitmap(rows, cols, i => paint(values[i], range))

const WHEEL = [15, 6, 4, 11, 13, 6].flatMap((steps, i) => Array.from({length: steps}, (_, s) => {
	const colour = [0, 0, 0], ramp = floor((255 * s) / steps)
	colour[((i + 1) >> 1) % 3] = 255 // the channel that is full
	colour[(7 - i) % 3] = i % 2 ? 255 - ramp : ramp // the one that changes
	return colour.map(v => v / 255)
}))

/** Hue is direction, saturation length up to the longest. */
export function wheelColour(down, right, longest) {
	const u = down / (longest + 2 ** -52), v = right / (longest + 2 ** -52)
	const radius = Math.sqrt(u * u + v * v)
	const hue = ((Math.atan2(-v, -u) / Math.PI + 1) / 2) * (WHEEL.length - 1) + 1
	const nearest = floor(hue), blend = hue - nearest
	return [0, 1, 2].map(k => {
		const pure = (1 - blend) * WHEEL[nearest - 1][k] + blend * WHEEL[nearest % WHEEL.length][k]
		return floor(255 * (radius <= 1 ? 1 - radius * (1 - pure) : pure * 0.75))
	})
}
