// What each control is set to, and what turning it does.
import {digits, make} from "./dom.js"

export class Controls {
	constructor(session, parts, acts) {
		Object.assign(this, {session, parts, acts: {play: () => this.play(), ...acts}})
		const all = name => Object.fromEntries([...parts.controls.querySelectorAll(`[data-${name}]`)].map(node => [node.dataset[name], node]))
		Object.assign(this, {inputs: all("set"), tools: all("tool"), buttons: all("do"), rows: all("for")})
		for (const [name, node] of Object.entries(this.inputs)) node.oninput = () => this.turn(name, node.type === "checkbox" ? node.checked : node.value)
		for (const [tool, node] of Object.entries(this.tools)) node.onclick = () => session.set({tool})
		for (const [name, node] of Object.entries(this.buttons)) node.onclick = () => this.acts[name]()
	}

	turn(name, value) {
		const {session} = this, {run} = session.state, number = parseFloat(value), typed = value === "" ? null : Number.isNaN(number) ? value : number
		if (name === "dialect") session.change(run.data.meta.dialects[value] ?? {})
		else if (name in run.config) session.change({[name]: typed})
		else if (name === "sample") session.publish({sample: typed})
		else session.set({[name]: typed})
		if (name === "sample" && !session.state.run.known(typed)) session.request()
	}

	play() {
		this.playing = this.playing ? clearInterval(this.playing) : setInterval(() => this.acts.next() || this.play(), 1600)
		this.buttons.play.setAttribute("aria-pressed", !!this.playing)
	}

	stop() { clearInterval(this.playing); }

	options(name, values) {
		const node = this.inputs[name], now = Array.from(node.options, ({value}) => value).join()
		if (now !== values.join()) node.replaceChildren(...values.map(value => make("option", {value}, value === "" ? "all" : String(value))))
	}

	update(state, {a}, changed) {
		if (!changed("run", "fresh", "sample", "channel", "range", "tool", "brush", "pinned")) return
		const {run: {config, data: {n, c, H, W, Hb, Wb, meta}}, channel, pinned} = state, {parts, inputs, buttons} = this, upTo = count => [...Array(count).keys()]
		const sides = now => [...new Set([1, 3, 5, 7, now])].sort((x, y) => x - y), rates = upTo(9).filter(r => r && [H, W, Hb, Wb].every(v => v % r === 0))
		const choices = {sample: upTo(n), channel: ["", ...upTo(c)], dialect: [...new Set([...Object.keys(meta.dialects), config.dialect])], fuse_k: sides(config.fuse_k), ksize: sides(config.ksize), rate: rates}
		for (const [name, values] of Object.entries(choices)) this.options(name, values)
		for (const [name, value] of Object.entries({...state, ...config, channel: channel ?? ""})) {
			if (inputs[name]?.type === "checkbox") inputs[name].checked = value
			else if (inputs[name] && inputs[name].value !== String(value)) inputs[name].value = String(value)
		}
		this.rows.sample.hidden = n < 2
		this.rows.channel.hidden = c < 2
		for (const [tool, node] of Object.entries(this.tools)) node.setAttribute("aria-pressed", tool === state.tool)
		buttons.undo.disabled = !this.session.undo.length
		buttons.pin.setAttribute("aria-pressed", !!pinned)
		for (const [name, value] of Object.entries({scale: digits(config.softmax_scale), brush: state.brush, canvas: this.acts.canvas(), leaks: a.leaks})) parts[name].textContent = value
		parts.leak.hidden = !a.leaks
	}
}
