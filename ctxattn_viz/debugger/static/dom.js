// Elements from debugger.html's templates: parsed once; what is filled in never is.
/* global MARKUP */

let parsed = null

const nodesOf = value => [value].flat(Infinity).filter(v => v || v === 0).map(v => (typeof v === "number" ? number(v) : v))

/** A template's copy: `{a.b}` is values.a.b (numbers, text, nodes, lists), data-click calls it, data-go goes to
 *  a stage, data-fill gives children, data-if keeps an element, data-part puts it in `parts`. */
export function fill(name, values = {}) {
	if (!parsed) {
		parsed = document.createElement("template")
		parsed.innerHTML = MARKUP
	}
	const copy = parsed.content.querySelector(`[data-name="${name}"]`).content.cloneNode(true), walk = document.createTreeWalker(copy, 5), nodes = [], parts = {}
	const value = path => path.split(".").reduce((from, key) => from?.[key], values)
	while (walk.nextNode()) nodes.push(walk.currentNode)
	for (const node of nodes) {
		if (!copy.contains(node)) continue
		if (!node.dataset) {
			const pieces = node.data.split(/\{([\w.]+)\}/)
			if (pieces.length > 1) node.replaceWith(...pieces.flatMap((piece, i) => (i % 2 ? nodesOf(value(piece)) : [piece])))
			continue
		}
		const {part, if: wanted, fill: key, click, go} = node.dataset
		if (wanted && !value(wanted.replace("!", "")) !== wanted.startsWith("!")) {
			node.remove()
			continue
		}
		if (part) parts[part] = node
		if (key) node.replaceChildren(...values[key])
		if (click) node.onclick = values[click]
		if (go) node.onclick = () => values.go(go)
		for (const {name: attribute, value: text} of node.attributes) {
			if (text.includes("{")) node.setAttribute(attribute, text.replace(/\{([\w.]+)\}/g, (_, path) => value(path)))
		}
	}
	return Object.assign(copy, {parts})
}

export function make(tag, attributes = {}, ...children) {
	const node = tag.startsWith("svg:") ? document.createElementNS("http://www.w3.org/2000/svg", tag.slice(4)) : document.createElement(tag)
	for (const [name, value] of Object.entries(attributes)) {
		if (typeof value === "function") node[name] = value
		else node.setAttribute(name, value)
	}
	node.append(...nodesOf(children))
	return node
}

export const link = (words, onclick, title = "go there") => make("button", {class: "ctx-link", onclick, title}, words)

export function digits(value) {
	if (!Number.isFinite(value)) return {Infinity: "∞", "-Infinity": "−∞", NaN: "NaN"}[value] ?? "–"
	const plain = value === 0 || (Math.abs(value) >= 1e-3 && Math.abs(value) < 1e5)
	return (plain ? String(Number.isInteger(value) ? value : Math.abs(value) < 999.5 ? value.toPrecision(3) : Math.round(value)) : value.toExponential(1)).replaceAll("-", "−").replace("e+", "e")
}

/** Exact when pointed at; with `go`, it answers "where from?". */
export const number = (value, go) => (go ? link(digits(value), go, value) : make("span", {title: value}, digits(value)))

export const cell = (row, col) => `(${row}, ${col})`
export const tuple = values => ["(", Array.from(values).slice(0, 3).map((v, i) => [i ? ", " : "", v]), values.length > 3 ? ", …)" : ")"]
export const total = values => values.reduce((sum, v) => sum + v, 0)
export const weightOf = matches => total(matches.map(({weight}) => weight))

/** The largest terms, then what the rest come to. */
export function sum(terms, show) {
	const order = Array.from(terms.keys()).sort((i, j) => Math.abs(terms[j]) - Math.abs(terms[i])), rest = order.splice(3)
	return [order.map((i, n) => [n ? " + " : "", show(terms[i], i)]), rest.length ? [" + … ", make("small", {}, `${rest.length} more: `, total(rest.map(i => terms[i])))] : ""]
}

export const canvas = (width, height) => Object.assign(document.createElement("canvas"), {width, height})

export function bitmap(rows, cols, colour) {
	const made = canvas(cols, rows), pen = made.getContext("2d"), image = pen.createImageData(cols, rows)
	for (let i = 0; i < rows * cols; i++) {
		const from = colour(i)
		for (let k = 0; k < 3; k++) image.data[4 * i + k] = from[k]
		image.data[4 * i + 3] = from[3] ?? 255
	}
	pen.putImageData(image, 0, 0)
	return made
}

export function download(name, ...content) {
	const url = URL.createObjectURL(new Blob(content))
	make("a", {href: url, download: name}).click()
	setTimeout(() => URL.revokeObjectURL(url), 1000)
}
