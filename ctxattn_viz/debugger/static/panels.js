// One picture: a canvas, the hole hatched over it, outlines and arrows above.
import {heat} from "./colour.js"
import {bitmap, fill, make} from "./dom.js"
import {clamp} from "./sliding.js"

export class Panel {
	constructor(view, hands) {
		const copy = fill("panel", {view})
		Object.assign(this, copy.parts, {view, root: copy.firstElementChild})
		const at = ({clientX, clientY}) => {
			const {top, left, width, height} = this.base.getBoundingClientRect(), {H, W} = this
			return [[(clientY - top) / height, H], [(clientX - left) / width, W]].map(([v, size]) => clamp(Math.floor(v * size), size))
		}
		Object.assign(this.stack, {
			onpointermove: event => hands[event.buttons & 1 ? "drag" : "hover"](view, at(event)),
			onpointerleave: event => event.buttons & 1 || hands.hover(view, null),
			onpointerdown: event => { if (!event.button && hands.press(view, at(event))) this.stack.setPointerCapture(event.pointerId); }, // false would keep the focus away
			onpointerup: event => !event.button && hands.release(view, at(event)),
			onkeydown: event => hands.key(view, event),
		})
	}

	/** H×W pixels, `rate` a cell, into the frame: whole device pixels a cell where there is room. */
	fit(H, W, rate) {
		const ratio = devicePixelRatio, room = Math.floor(this.root.clientWidth * ratio), most = Math.min(room / W, room / H)
		const scale = most * rate >= 4 ? Math.floor(most * rate) / rate : most, [width, height] = [W, H].map(v => Math.round(v * scale))
		if (!room || (this.base.width === width && this.base.height === height && this.H === H && this.W === W)) return
		Object.assign(this, {H, W, drawn: null})
		Object.assign(this.base, {width, height})
		Object.assign(this.stack.style, {width: `${width / ratio}px`, height: `${height / ratio}px`})
		this.arrows.setAttribute("viewBox", `0 0 ${W} ${H}`)
	}

	draw(picture, map) {
		const drawn = [picture, map?.values, map?.range.high]
		if (this.drawn?.every((v, i) => v === drawn[i])) return
		this.drawn = drawn
		const pen = this.base.getContext("2d"), {width, height} = this.base
		pen.imageSmoothingEnabled = false
		pen.clearRect(0, 0, width, height)
		if (picture) pen.drawImage(picture, 0, 0, width, height)
		if (!map) return
		pen.fillStyle = "rgba(8, 12, 24, .6)"
		pen.fillRect(0, 0, width, height)
		// A patch of stride s stands on s×s cells; the last may stick out.
		pen.drawImage(heat(map.values, map.range, map.rows, map.cols), 0, 0, (map.cols * map.step * width) / this.W, (map.rows * map.step * height) / this.H)
	}

	/** Boxes [y, x, h, w] and arrows from [y, x] to [y, x], in pixels. */
	mark(marks, arrows) {
		const {H, W} = this, percent = (v, size) => `${((100 * v) / size).toFixed(3)}%`
		this.marks.replaceChildren(...marks.map(({box: [y, x, h, w], kind, label = ""}) => make("i", { class: kind, "data-label": label,
			style: `left: ${percent(x + w / 2, W)}; top: ${percent(y + h / 2, H)}; width: ${percent(w, W)}; height: ${percent(h, H)}` })))
		this.arrows.lastElementChild.replaceChildren(...arrows.map(({from: [y, x], to: [v, u], kind}) => make("svg:path", {class: kind, d: `M${x} ${y}L${u} ${v}`})))
	}

	/** Hatched where `bits` are set, each `step` pixels wide. */
	veil(bits, rows, cols, step) {
		if (this.bits === bits) return
		this.bits = bits
		this.hatch.hidden = !bits
		if (!bits) return
		this.hatch.style.setProperty("--mask", `url(${bitmap(rows, cols, i => [204, 121, 167, 255 * bits[i]]).toDataURL()})`)
		this.hatch.style.setProperty("--size", `${(100 * cols * step) / this.W}% ${(100 * rows * step) / this.H}%`)
	}

	say(caption, heading, map, span) {
		this.caption.replaceChildren(caption)
		this.heading.textContent = heading
		this.legend.replaceChildren(map ? fill("legend", {...map.range, kind: map.range.signed ? "signed" : "plain", span}) : "")
	}
}
