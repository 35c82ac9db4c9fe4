// The view as Python, as a picture; and bringing a photograph.
import {canvas, download, fill, make} from "./dom.js"

export function pythonOf({run, sample, stage, query, pixel}) {
	const {data: {meta, mask: first}, mask, config: {dialect, ...fields}} = run, known = meta.dialects[dialect] ?? {}, bits = new Uint8Array(Math.ceil((mask?.data.length ?? 0) / 8))
	mask?.data.forEach((v, i) => { bits[i >> 3] |= v << (7 - (i & 7)); })
	const settings = Object.entries({...(known.shrink && {dialect}), ...fields}).filter(([name]) => !(name in known))
	const words = {true: "True", false: "False"}
	return fill("python", { python: meta.python, sample, stage, query: query?.join(", "), pixel: pixel?.join(", "), painted: mask?.data !== first?.data,
		mask, bits: btoa(String.fromCharCode(...bits)), settings: settings.map(([name, v]) => `${name}=${words[v] ?? JSON.stringify(v)}`).join(", ") }).textContent
}

/** The debugger, drawn by the browser from a copy that carries its own style. */
export async function savePicture(root, name) {
	const copy = root.cloneNode(true), drawn = root.querySelectorAll("canvas"), image = new Image()
	const style = [...document.styleSheets].filter(({href}) => !href).flatMap(({cssRules}) => [...cssRules].map(rule => rule.cssText)).filter(text => text.includes("ctx")).join("")
	for (const own of style.match(/--ctx-[\w-]+(?=:)/g)) copy.style.setProperty(own, getComputedStyle(root).getPropertyValue(own))
	copy.querySelectorAll("canvas").forEach((place, i) => { place.style.background = `0 0 / 100% 100% url(${drawn[i].toDataURL()})`; })
	copy.prepend(make("style", {}, style))
	copy.classList.add("ctx-picture")
	root.after(copy)
	const {width, height} = copy.getBoundingClientRect(), made = canvas(2 * width, 2 * height), xml = new XMLSerializer().serializeToString(copy)
	copy.remove()
	image.src = `data:image/svg+xml,${encodeURIComponent(`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><foreignObject width="100%" height="100%">${xml}</foreignObject></svg>`)}`
	await image.decode()
	made.getContext("2d").drawImage(image, 0, 0, made.width, made.height)
	made.toBlob(blob => download(name, blob))
}

/** At most 256 pixels long, cropped to whole multiples of 4·rate. */
export async function readPhoto(file, rate) {
	const image = await createImageBitmap(file), by = Math.min(1, 256 / Math.max(image.width, image.height)), sizes = [image.width, image.height].map(v => v * by)
	const [W, H] = sizes.map(v => Math.floor(Math.round(v) / (4 * rate)) * 4 * rate)
	if (!W || !H) throw new Error(`${image.width} × ${image.height} pixels are too few`)
	const pen = canvas(W, H).getContext("2d")
	pen.drawImage(image, (W - sizes[0]) / 2, (H - sizes[1]) / 2, ...sizes)
	const rgb = pen.getImageData(0, 0, W, H).data.filter((_, i) => i % 4 < 3)
	return {H, W, rgb: new Uint8Array(rgb), told: fill("cropped", {file, image, W, H})}
}

/** What Python would send for it: a hole in the middle, filled smoothly. */
export function payloadOf({H, W, rgb}, meta, title) {
	const plane = H * W, mask = new Uint8Array(plane), f = Float32Array.from(rgb, (_, i) => rgb[3 * (i % plane) + Math.floor(i / plane)] / 127.5 - 1)
	for (let y = H >> 2; y < H >> 1; y++) mask.fill(1, y * W + ((3 * W) >> 3), y * W + ((5 * W) >> 3))
	const hole = [...f.keys()].filter(i => mask[i % plane])
	for (const i of hole) f[i] = 0
	for (let round = 0; round < 1500; round++) for (const i of hole) f[i] += 1.9 * ((f[i - 1] + f[i + 1] + f[i - W] + f[i + W]) / 4 - f[i])
	const look = {mean: [0, 0, 0], basis: [[1, 0, 0], [0, 1, 0], [0, 0, 1]], low: [-1, -1, -1], high: [1, 1, 1]}
	const maps = {dtype: "float32", shape: [1, 3, H, W]}, shape = [1, H, W]
	return [{...meta, n: 1, title, notes: [], python: null, summaries: null, look, arrays: {f: maps, b: maps, mask: {dtype: "uint8", shape}}}, {f, b: f, mask}, {shape, data: mask}]
}
