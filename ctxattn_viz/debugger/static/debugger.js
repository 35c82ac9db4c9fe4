// Puts the views together, and undoes everything in the cleanup.
import {Compare} from "./compare.js"
import {Controls} from "./controls.js"
import {download, fill, make} from "./dom.js"
import {Hands} from "./hands.js"
import {Inspector, Strip} from "./inspect.js"
import {Pictures} from "./pictures.js"
import {rowOf, sceneOf} from "./scene.js"
import {NOTHING, Session} from "./session.js"
import {payloadOf, pythonOf, readPhoto, savePicture} from "./takeaway.js"

function render({model, el}) {
	const session = new Session(model), copy = fill("root"), {parts} = copy, root = copy.firstElementChild
	const hands = new Hands(session), pictures = new Pictures(session, parts.panels, hands), compare = new Compare(session, parts.compare)
	const strip = new Strip(session, parts.strip), inspector = new Inspector(session, parts), tell = text => parts.told.replaceChildren(make("span", {}, text))

	async function bring(file) {
		const {run} = session.state, {meta} = run.data
		try {
			const photo = await readPhoto(file, run.config.rate)
			tell(photo.told)
			if (session.alone) session.adopt(...payloadOf(photo, meta, file.name))
			else model.send({kind: "upload", name: file.name, shape: [photo.H, photo.W, 3], config: run.config}, undefined, [photo.rgb.buffer])
		} catch (error) {
			tell(error.message)
		}
	}

	async function copyPython() {
		root.debuggerPython = pythonOf(session.state)
		try {
			await navigator.clipboard.writeText(root.debuggerPython)
			tell(fill("copied"))
		} catch {
			download("view.py", root.debuggerPython)
			tell(fill("no-clipboard"))
		}
	}

	const controls = new Controls(session, parts, {
		back: () => strip.step(-1), next: () => strip.step(1), undo: () => hands.undo(), clear: () => hands.put(null), restore: () => hands.put(session.state.run.data.mask),
		pin: () => compare.pin(), canvas: () => hands.canvas, python: copyPython, png: () => savePicture(root, `${session.state.stage}.png`).catch(({message}) => tell(message)),
		page: () => { session.record(); model.send({kind: "save_page"}); },
	})

	session.views.add((state, changed) => {
		const {fatal, run, stage, query, busy, lock} = state
		parts.fatal.hidden = !fatal
		parts.whole.hidden = fatal
		parts.fatal.textContent = fatal
		if (fatal || !run) return
		const scene = sceneOf(state), [first] = scene.best, {activeElement: held} = document, inside = root.contains(held)
		Object.assign(root.dataset, {stage, query: [query].join()})
		root.setAttribute("aria-busy", busy !== null)
		strip.update(state, changed)
		pictures.update(state, scene, changed)
		inspector.update(state, scene, changed)
		controls.update(state, scene, changed)
		compare.update(state, scene)
		if (inside && document.activeElement !== held) (root.querySelector(`[data-focus="${held.dataset.focus}"]`) ?? parts.view).focus({preventScroll: true})
		if (changed("run", "offline", "problem")) {
			parts.heading.replaceChildren(fill("heading", {run, side: 2 * run.config.rate, here: session.alone}))
			parts.notes.replaceChildren(fill("notes", {...state, notes: (run.data.meta.notes ?? []).join(" ")}))
		}
		if (lock && changed("lock", "query")) parts.live.replaceChildren(fill("spoken", {query, first}))
	})

	root.onkeydown = event => {
		const by = {"[": -1, "]": 1, ...(parts.strip.contains(event.target) && {ArrowLeft: -1, ArrowRight: 1})}[event.key]
		if (event.key === "Escape") session.publish(NOTHING)
		else if (by) strip.step(by)
		else return
		event.preventDefault()
		event.stopPropagation()
	}
	root.ondragover = event => event.preventDefault()
	root.ondrop = event => { event.preventDefault(); bring(event.dataTransfer.files[0]); }
	parts.file.onchange = () => bring(parts.file.files[0])
	root.debuggerRow = stage => rowOf(session.state, stage)
	root.debuggerRange = () => (pictures.scene.background ?? pictures.scene.foreground)?.range
	session.gone = () => Boolean(root.closest(".jupyter-widgets-disconnected"))
	session.told = content => content.kind === "page" && download(content.name, content.html)
	el.append(root)
	const watch = new ResizeObserver(() => pictures.fit())
	watch.observe(root)
	session.start()
	return () => {
		watch.disconnect()
		controls.stop()
		session.stop()
		root.remove()
	}
}

export default {render}
