"""The debugger in a notebook: an anywidget whose traits are its state, and a trace behind it."""

import base64
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import numpy as np
import torch
import traitlets as t
from torch import Tensor

from ..config import AttentionConfig
from ..errors import BudgetError, InputError, check_index, check_writable
from ..pipeline import check_inputs, check_values
from ..stages.downsampling import mask_at
from . import assets, page, uploads
from .masks import Mask, from_wire, plain, to_wire
from .payload import Payload, build, results
from .state import Place, check_options, checked_place, checked_stage, opening
from .still import Panel, point, still

if TYPE_CHECKING:
    from ..traces import Trace


def debug(trace: "Trace", **options: Any) -> "Debugger":
    """Look into `trace`: move over its foreground, step through its stages, paint its hole.

    Args:
        trace: what `ctxattn_viz.trace` returned.
        **options: where to open: `query` and `pixel`, each `(row, column)`, `stage`, `sample`.
            What to show: `foreground_mask` `(1|n, 1, H, W)`, the hole to draw over f where it is
            not b's; `picture_f` and `picture_b` beside deep features, `(n|1, 1|3, H, W)` in
            [-1, 1] or `(H, W, 3)` uint8; `title`; `python`, lines that define f, b and mask.

    Returns:
        a widget. Its `query`, `stage`, `sample`, `config`, `softmax_scale` and `mask` can be read,
        set, observed and linked; its `trace` is the run on screen.

    Raises:
        InputError, BudgetError: an option that does not fit, maps too large for a page.
    """
    return Debugger(trace, **options)


def _to_config(value: Any, widget: Any) -> Any:
    return value.to_dict()


def _from_config(value: Any, widget: Any) -> Any:
    return AttentionConfig.from_dict(value)


class Debugger(anywidget.AnyWidget):
    """The debugger of one trace. Made by `debug`.

    Attributes:
        query: the locked foreground cell `(row, column)`, or None.
        pixel: the chosen output pixel `(row, column)`, or None.
        stage: the key of the stage on screen.
        sample: which of the batch.
        config: the `AttentionConfig`; a changed one makes a new run.
        softmax_scale: `config.softmax_scale`, on its own for sliders to link to.
        mask: the hole, `(1|n, 1, Hb, Wb)` like f, or None; a changed one makes a new run.
    """

    _esm = t.Unicode().tag(sync=True)
    _module = t.Unicode().tag(sync=True)
    _css = t.Unicode().tag(sync=True)

    meta = t.Dict().tag(sync=True)
    buffers = t.Dict().tag(sync=True)
    answer = t.Dict().tag(sync=True)
    request = t.Int(0).tag(sync=True)

    query = t.Any(None).tag(sync=True)
    pixel = t.Any(None).tag(sync=True)
    stage = t.Unicode("attention").tag(sync=True)
    sample = t.Int(0).tag(sync=True)
    config = t.Any().tag(sync=True, to_json=_to_config, from_json=_from_config)
    softmax_scale = t.Float().tag(sync=True)
    mask = t.Any(None).tag(sync=True, to_json=to_wire, from_json=from_wire)

    def __init__(
        self,
        trace: "Trace",
        *,
        query: Any = None,
        pixel: Any = None,
        stage: str = "attention",
        sample: int = 0,
        **options: Any,
    ) -> None:
        check_options("debug", options)
        self._receiving = False
        self._payload: Payload | None = build(trace, at_once=False, **options)
        self._trace: Trace | None = trace
        state = opening(self._payload, trace, query=query, pixel=pixel, stage=stage, sample=sample)
        mask = trace.mask_at_b if self._payload.mask else None
        state |= {"_esm": assets.bootstrap(), "_module": assets.module(), "_css": assets.style()}
        super().__init__(**state | {"config": trace.config, "mask": mask})
        _close_previous(self)
        self.on_msg(Debugger._on_message)

    @property
    def trace(self) -> "Trace":
        """The run on screen: with the mask and the configuration as they are now."""
        if self._trace is None:
            raise RuntimeError(
                "This debugger was closed: its cell ran again, or close() was called."
            )
        return self._trace

    def save_page(self, path: str | Path) -> Path:
        """Write what is on screen as one HTML file that needs no kernel and no network."""
        target = check_writable("path", path)
        target.write_text(self._page(), encoding="utf-8")
        return target

    def close(self) -> None:
        """Take the debugger off the screen and let its trace go."""
        self._trace = self._payload = None
        if self.comm is not None:
            self.layout.close()
        super().close()

    def __repr__(self) -> str:
        # No address and nothing of the machine: notebooks are compared with what is stored.
        if self._trace is None:
            return "Debugger(closed)"
        sizes = ", ".join(f"{name} {tuple(getattr(self._trace, name).shape)}" for name in "fb")
        return f"Debugger({sizes}, {self.config.dialect}, stage {self.stage}, query {self.query})"

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        shown = super()._repr_mimebundle_(**kwargs)
        if shown is None or self._payload is None:
            return shown
        data, metadata = shown
        return data | {"image/png": base64.b64encode(self._still()).decode()}, metadata

    # ---- what may be set ----

    @t.validate("query")
    def _valid_query(self, proposal: Any) -> Place | None:
        with _as_trait_error():
            return checked_place("query", proposal["value"], self._grid())

    @t.validate("pixel")
    def _valid_pixel(self, proposal: Any) -> Place | None:
        with _as_trait_error():
            return checked_place("pixel", proposal["value"], self._size())

    @t.validate("stage")
    def _valid_stage(self, proposal: Any) -> str:
        with _as_trait_error():
            return checked_stage(proposal["value"])

    @t.validate("sample")
    def _valid_sample(self, proposal: Any) -> int:
        with _as_trait_error():
            return check_index("sample", proposal["value"], self.trace.f.shape[0])

    @t.validate("config")
    def _valid_config(self, proposal: Any) -> AttentionConfig:
        config = proposal["value"]
        with _as_trait_error():
            if isinstance(config, dict):
                config = AttentionConfig.from_dict(config)
            check_inputs(self.trace.f, self.trace.b, None, config)
            return config

    @t.validate("softmax_scale")
    def _valid_scale(self, proposal: Any) -> float:
        with _as_trait_error():
            return AttentionConfig(softmax_scale=proposal["value"]).softmax_scale

    @t.validate("mask")
    def _valid_mask(self, proposal: Any) -> Tensor | None:
        mask, f, b = proposal["value"], self.trace.f, self.trace.b
        if isinstance(mask, np.ndarray):
            mask = torch.tensor(mask)
            if mask.ndim in (2, 3):  # one plane, or one a sample
                mask = mask.reshape(-1, 1, *mask.shape[-2:])
        if isinstance(mask, Tensor):
            mask = plain(mask).to(f.device)
        with _as_trait_error():
            values, _ = check_inputs(f, b, mask, self.trace.config)
            check_values(values, allow_nonfinite=True)
        size = (b.shape[2], b.shape[3])
        at_b = mask_at(values["mask"], size, self.trace.config)
        return None if mask is None else at_b.as_subclass(Mask)

    # ---- what follows from a change ----

    @t.observe("config")
    def _config_changed(self, change: Any) -> None:
        self.softmax_scale = self.config.softmax_scale
        self._keep_up()

    @t.observe("softmax_scale")
    def _scale_changed(self, change: Any) -> None:
        if self.config.softmax_scale != self.softmax_scale:
            self.config = self.config.replace(softmax_scale=self.softmax_scale)

    @t.observe("mask")
    def _mask_changed(self, change: Any) -> None:
        self._keep_up()

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """State from the page: taken whole, and answered once."""
        self._receiving = True
        try:
            super().set_state(sync_data)
            self._receiving = False
            self._keep_up()
        except (t.TraitError, InputError, BudgetError) as problem:
            self._refuse(problem)
            self.send_state(set(sync_data) - {"request"})  # what counts is what was before
        finally:
            self._receiving = False

    def _keep_up(self) -> None:
        """Run again where mask or config are no longer the trace's, and send what came out."""
        if self._receiving or self._trace is None or self._payload is None or self.comm is None:
            return
        asked = self.request != self.answer.get("request", 0)
        changed = self.config != self._trace.config or not self._same_mask()
        if not asked and not changed:
            return
        if changed:
            none = torch.zeros_like(self._trace.mask_at_b[:1])
            mask = none if self.mask is None else plain(self.mask)
            self._trace = self._trace.revised(mask, self.config)
        if self.query is not None and not _within(self.query, self._grid()):
            self.query = None
        answer = results(self._trace, self._payload)
        self.answer = {"request": self.request} | answer.pop("buffers") | answer

    def _same_mask(self) -> bool:
        held = self.trace.mask_at_b
        if self.mask is None:
            return not bool(held.any())
        return bool(self.mask == held)

    def _size(self) -> Place:
        return self.trace.f.shape[2], self.trace.f.shape[3]

    def _grid(self) -> Place:
        # The trace may still be the one before: what counts is the rate that was asked for.
        rate = (self.config or self.trace.config).rate
        return self._size()[0] // rate, self._size()[1] // rate

    # ---- messages ----

    def _on_message(self, content: Any, buffers: list[Any]) -> None:
        try:
            if content.get("kind") == "save_page":
                name = "contextual-attention.html"
                self.send({"kind": "page", "name": name, "html": self._page()})
            elif content.get("kind") == "upload":
                self._take_up(uploads.traced(content, buffers, self.trace, self.config))
        except (InputError, BudgetError, t.TraitError) as problem:
            self._refuse(problem)

    def _take_up(self, trace: "Trace") -> None:
        """Show another trace; pictures and holes given for the old one are let go."""
        assert self._payload is not None
        payload = build(trace, title=self._payload.meta["title"], at_once=False)
        with self.hold_sync():
            self.query = self.pixel = None
            self.sample = 0
            self._payload, self._trace = payload, trace
            self.buffers, self.answer, self.meta = payload.buffers, {}, payload.meta
            self.mask = trace.mask_at_b if payload.mask else None

    def _refuse(self, problem: Exception) -> None:
        self.send({"kind": "refused", "request": self.request, "reason": str(problem)})

    def _page(self) -> str:
        if self._payload is None:
            raise RuntimeError("This debugger was closed: there is nothing left to save.")
        names = ("meta", "buffers", "answer", "request", "query", "pixel", "stage", "sample")
        state = {name: getattr(self, name) for name in (*names, "softmax_scale")}
        state |= {"config": self.config.to_dict(), "mask": to_wire(self.mask)}
        if self.meta["pending"] and not self.answer:
            state["answer"] = self._answered()
        return page.render(state)

    def _answered(self) -> dict[str, Any]:
        assert self._payload is not None
        answer = results(self.trace, self._payload)
        return {"request": self.request} | answer.pop("buffers") | answer

    def _still(self) -> bytes:
        assert self._payload is not None
        arrays = {**self._payload.meta["arrays"], **self.answer.get("arrays", {})}
        held = {**self._payload.buffers, **self.answer}

        def plane(name: str) -> np.ndarray | None:
            if name not in arrays or name not in held:
                return None
            stack = np.frombuffer(held[name], np.uint8).reshape(arrays[name]["shape"])
            return stack[min(self.sample, len(stack) - 1)]

        hole_b = None
        if self.mask is not None:
            hole_b = plain(self.mask)[min(self.sample, len(self.mask) - 1), 0].cpu().numpy()
        hole_f = plane("foreground_mask")
        if hole_f is None and self.trace.f.shape == self.trace.b.shape:
            hole_f = hole_b
        panels = {
            "foreground": (plane("picture_f"), hole_f),
            "background": (plane("picture_b"), hole_b),
            "output": (plane("picture_output"), None),
        }
        shown = {n: Panel(n, x, hole) for n, (x, hole) in panels.items() if x is not None}
        rate = self.trace.config.rate
        if place := self.query or (self.pixel and (self.pixel[0] // rate, self.pixel[1] // rate)):
            point(shown, self.trace, place, self.stage, self.sample)
        return still(list(shown.values()))


class _as_trait_error:
    """Wrong values become traitlets' own error, which also undoes the change."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, problem: BaseException | None, traceback: Any) -> None:
        if isinstance(problem, InputError):
            raise t.TraitError(str(problem)) from None


def _within(query: Place, grid: Place) -> bool:
    return all(0 <= at < size for at, size in zip(query, grid, strict=True))


# The debuggers on screen, by the cell that made them: (which run of the cell, the debugger).
_by_cell: dict[str, list[tuple[str, Debugger]]] = {}


def _close_previous(debugger: Debugger) -> None:
    """A cell that runs again replaces its debuggers: close those of its earlier runs.

    Without this every rerun would leave its trace, its comm and its listeners behind, as ipywidgets
    holds all widgets until they are closed.
    """
    from IPython import get_ipython

    shell = get_ipython()
    parent = shell.get_parent() if hasattr(shell, "get_parent") else {}
    cell = parent.get("metadata", {}).get("cellId")
    if cell is None:
        return
    run = parent["header"]["msg_id"]
    for made_by, earlier in _by_cell.get(cell, []):
        if made_by != run:
            earlier.close()
    kept = [(made_by, one) for made_by, one in _by_cell.get(cell, []) if made_by == run]
    _by_cell[cell] = [*kept, (run, debugger)]
