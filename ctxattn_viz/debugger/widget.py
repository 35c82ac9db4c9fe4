"""The debugger in a notebook: an anywidget whose traits are its state, and a trace behind it."""

import base64
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import traitlets as t
from torch import Tensor

from ..checks import check_choice, check_index
from ..config import AttentionConfig
from ..errors import InputError
from ..files import path_of, writing
from ..inputs import check_inputs, check_values
from ..stages.downsampling import mask_at
from ..traces.copies import NotPickled
from ..traces.run import check_trace
from . import assets, lens, places, reloading, uploads
from .asking import Asking
from .masks import Mask, MaskTrait, as_tensor, to_wire
from .messages import read, state_in
from .payload import Payload, Results, build, results
from .questions import checked_questions
from .remarks import facts_and_findings
from .state import (
    Place,
    checked_config,
    checked_map,
    checked_place,
    checked_stage,
    initial_state,
)
from .step_in import page_with_steps, step_in
from .still import still_of
from .swapped import recorded_of, refuse_page, rows
from .undoing import MOST_REQUESTS, Checked
from .workload import MOST_WORK, check_work, work

if TYPE_CHECKING:
    from ..traces.run import Trace

# What the kernel alone writes.
KERNEL_TRAITS = ("meta", "buffers", "answer", "recordings", "recorded", "plain", "questions")
# Kinds that the page sends.
MESSAGES = ("save_page", "step_in", "find", "upload", "rows", "gradient")


def _to_config(value: Any, widget: Any) -> Any:
    return value.to_dict()


class Debugger(NotPickled, Asking):
    """The debugger of one trace. Made by `debug`.

    Attributes:
        query: the locked foreground cell `(row, column)`, or None.
        pixel: the chosen output pixel `(row, column)`, or None.
        stage: the key of the stage on screen.
        sample: which of the batch.
        map: the map of doubt that the cells are coloured by, a name of `trace.map`, or None.
        config: the `AttentionConfig`; a changed one makes a new run.
        softmax_scale: `config.softmax_scale`, on its own for sliders to link to.
        mask: the hole, `(1|n, 1, Hb, Wb)` like f, or None; a changed one makes a new run. (An
            observer's `change.new` is a `Mask`, whose `tensor` this is.)
        questions: what is asked, as `debug`'s `ask` takes it; other ones begin anew.
        answers: what was answered so far, a dict for each question: its index `question`, `kind`,
            `sample` and `cell`; the `guess` and the `truth` of the run then on screen, cells of f
            or b, a share from 0 to 1, or "A" or "B"; the guess's `rank` and `share` where it has
            them; `skipped`. An empty list asks all again.

    >>> photo = cv.samples.photograph("chelsea", size=32)
    >>> debugger: cv.Debugger = cv.debug(cv.trace(photo, photo))
    >>> debugger.softmax_scale = 1.0  # a new run, as by the page's slider
    >>> debugger.trace.config.softmax_scale, debugger.config.softmax_scale
    (1.0, 1.0)
    >>> debugger.close()
    """

    _esm = t.Unicode().tag(sync=True)
    _module = t.Unicode().tag(sync=True)
    _css = t.Unicode().tag(sync=True)

    meta = t.Dict().tag(sync=True)
    buffers = t.Dict().tag(sync=True)
    answer = t.Dict().tag(sync=True)
    recordings: t.List[Any] = t.List().tag(sync=True)  # of a saved page alone
    recorded = t.Dict().tag(sync=True)  # what functions swapped in made
    plain = t.Dict().tag(sync=True)  # the answer to the run without them
    request = t.Int(0).tag(sync=True)

    query = t.Any(None).tag(sync=True)
    pixel = t.Any(None).tag(sync=True)
    stage = t.Unicode("attention").tag(sync=True)
    sample = t.Int(0).tag(sync=True)
    map = t.Any(None).tag(sync=True)
    config = Checked().tag(sync=True, to_json=_to_config)
    softmax_scale = Checked().tag(sync=True)
    mask = MaskTrait().tag(sync=True, to_json=to_wire)

    def __init__(
        self,
        trace: "Trace",
        *,
        query: Any = None,
        pixel: Any = None,
        stage: str = "attention",
        sample: int = 0,
        map: str | None = None,
        ask: Any = None,
        **options: Any,
    ) -> None:
        check_trace(trace)
        questions = checked_questions(trace, ask, checked_place("query", query, trace.query_grid))
        self._answered = 0
        # The run of a value being set, its results, and what functions swapped in made.
        self._ready: tuple[Trace, Results, dict[str, Any]] | None = None
        self._payload: Payload | None = build(trace, at_once=False, **options)
        self._trace: Trace | None = trace
        state = initial_state(
            self._payload,
            trace,
            query=query,
            pixel=pixel,
            stage=stage,
            sample=sample,
            map=map,
            questions=questions,
        )
        mask = trace.mask_at_b if self._payload.mask else None
        state |= {"_esm": assets.bootstrap(), "_module": assets.module(), "_css": assets.style()}
        super().__init__(**state | {"config": trace.config, "mask": mask})
        places.take_place(self)
        self.on_msg(Debugger._on_message)
        if assets.HOT:
            reloading.follow(self)

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
        with writing("path", path) as file:
            file.write(self._page().encode())
        return path_of("path", path)

    def close(self) -> None:
        """Take the debugger off the screen and let its trace go."""
        self._trace = self._payload = self._ready = None
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
        bundle = super()._repr_mimebundle_(**kwargs)
        if bundle is None or self._payload is None:
            return bundle
        data, metadata = bundle
        return data | {"image/png": base64.b64encode(self._still()).decode()}, metadata

    # ---- what may be set ----
    #
    # Whatever can fail is done while a value is validated, before anything changes, and raises a
    # TraitError: traitlets then leaves every trait as it was, those of one `hold` together.

    @t.validate("query")
    def _valid_query(self, proposal: Any) -> Place | None:
        return self._checked(proposal, lambda value: checked_place("query", value, self._grid()))

    @t.validate("pixel")
    def _valid_pixel(self, proposal: Any) -> Place | None:
        return self._checked(proposal, lambda value: checked_place("pixel", value, self._size()))

    @t.validate("stage")
    def _valid_stage(self, proposal: Any) -> str:
        return self._checked(proposal, checked_stage)

    @t.validate("sample")
    def _valid_sample(self, proposal: Any) -> int:
        size = len(self._trace.f) if self._trace else 0
        return self._checked(proposal, lambda value: check_index("sample", value, size))

    @t.validate("map")
    def _valid_map(self, proposal: Any) -> str | None:
        payload = self._payload
        return self._checked(proposal, lambda value: payload and checked_map(value, payload))

    @t.validate("request")
    def _valid_request(self, proposal: Any) -> int:
        return self._checked(proposal, lambda value: check_index("request", value, MOST_REQUESTS))

    @t.validate("config")
    def _valid_config(self, proposal: Any) -> AttentionConfig:
        return self._checked(proposal, lambda value: self._prepare(value, self.mask)[0])

    @t.validate("softmax_scale")
    def _valid_scale(self, proposal: Any) -> float:
        def check(value: Any) -> float:
            config = checked_config(self.config).replace(softmax_scale=value)
            return self._prepare(config, self.mask)[0].softmax_scale

        return self._checked(proposal, check)

    @t.validate("mask")
    def _valid_mask(self, proposal: Any) -> Mask | None:
        def check(value: Any) -> Mask | None:
            mask = self._prepare(self.config, value)[1]
            return None if mask is None else Mask(mask)

        return self._checked(proposal, check)

    def _prepare(self, config: Any, mask: Any) -> tuple[AttentionConfig, Tensor | None]:
        """Check a config and a mask, and make the run that they ask for, ready to be shown."""
        trace, payload = self.trace, self._payload
        config, mask = checked_config(config), as_tensor(mask)
        if isinstance(mask, Tensor):
            mask = mask.to(trace.device)
        values, _ = check_inputs(trace.f, trace.b, mask, config)
        check_values(values, allow_nonfinite=True)
        if mask is not None:
            size = (trace.b.shape[2], trace.b.shape[3])
            mask = mask_at(values["mask"], size, config)
        if self.comm is None or payload is None or _is_run_of(trace, config, mask):
            return config, mask
        if self._in_message and config != trace.config:
            check_work("config", trace, config, max(MOST_WORK, work(trace, trace.config)))
        if self._ready is None or not _is_run_of(self._ready[0], config, mask):
            self._ready = None  # one of the two is let go before the next is made
            no_hole = torch.zeros_like(trace.mask_at_b[:1])
            run = trace.revised(no_hole if mask is None else mask, config)
            self._ready = run, results(run, payload), recorded_of(run)
        return config, mask

    # ---- what follows from a change ----

    def _follow_config(self) -> None:
        if self._trace is not None:
            self.softmax_scale = self.config.softmax_scale

    @t.observe("softmax_scale")
    def _scale_changed(self, change: Any) -> None:
        if self._trace is not None and self.config.softmax_scale != self.softmax_scale:
            self.config = self.config.replace(softmax_scale=self.softmax_scale)

    @t.observe("config", "mask", "request")
    def _run_changed(self, change: Any) -> None:
        self._show_asked_run()

    def _show_asked_run(self) -> None:
        """Show the run that mask and config ask for, and answer a request of the page."""
        if self._trace is None or self._payload is None or self.comm is None:
            return
        changed = not _is_run_of(self._trace, self.config, self.mask)
        if not changed and self.request == self._answered:
            return
        if changed:
            self._prepare(self.config, self.mask)
            assert self._ready is not None
            (self._trace, result, recorded), self._ready = self._ready, None
        else:
            result, recorded = results(self._trace, self._payload), self.recorded
        self._answered = self.request
        if self.query is not None and not _within(self.query, self._grid()):
            self.query = None
        with self.hold_sync():
            self.recorded, self.answer = recorded, self._answer(result)

    def _answer(self, result: Results) -> dict[str, Any]:
        """The `answer` trait: the number of the request, the arrays' bytes, what they are."""
        description, buffers = result
        return {"request": self.request, **buffers, **description}

    def _size(self) -> Place:
        return self.trace.f.shape[2], self.trace.f.shape[3]

    def _grid(self) -> Place:
        # The trace may still be the one before: what counts is the rate that is asked for.
        rate = checked_config(self.config or self.trace.config).rate
        return self._size()[0] // rate, self._size()[1] // rate

    # ---- messages ----

    def _handle_msg(self, msg: Any) -> None:
        """A message of the page: taken, or answered with the reason why not."""
        if self._trace is None:  # closed while it was on its way
            return
        message: Any = None
        with self._all_or_nothing(state_in(msg)):
            message = read(msg)
        if message is None:
            return
        kind, content, buffers = message
        if kind == "update":
            self.set_state(content)
        elif kind == "custom":
            self._handle_custom_msg(content, buffers)
        else:
            self.send_state()

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """State from the page: taken whole and answered once, or refused and put back."""
        with self._all_or_nothing(sync_data):
            settable = [name for name in self.keys if name not in KERNEL_TRAITS and name[0] != "_"]
            for name in sync_data:
                if name != "_view_count":
                    check_choice("state", name, settable)
            super().set_state(sync_data)

    def _on_message(self, content: Any, buffers: list[Any]) -> None:
        if self._trace is None:  # closed while it was on its way
            return
        with self._all_or_nothing(content if isinstance(content, dict) else {}, resent=()):
            if not isinstance(content, dict):
                raise InputError("message content", "an object", type(content).__name__)
            check_choice("message kind", content.get("kind"), MESSAGES)
            if content["kind"] == "step_in":
                self.send(*step_in(self.trace, content, self.sample, self._state()))
            elif content["kind"] == "gradient":
                self.send(*lens.gradient(self.trace, content, self.sample))
            elif content["kind"] == "save_page":
                name = "contextual-attention.html"
                self.send({"kind": "page", "name": name, "html": self._page()})
            elif content["kind"] == "rows":
                self.send(*rows(self.trace, content, self.sample))
            elif content["kind"] == "find":
                self.send({"kind": "findings", **facts_and_findings(self.trace)})
            else:
                run, picture = uploads.trace_of_upload(content, buffers, self.trace, self.config)
                self._show_trace(run, picture)

    def _show_trace(self, trace: "Trace", truth: Tensor) -> None:
        """Show another trace; pictures and holes given for the old one are let go."""
        assert self._payload is not None
        title = self._payload.meta["title"]
        payload = build(trace, title=title, truth=truth, at_once=False)
        with self.hold_sync(), self.hold_trait_notifications():
            self.query = self.pixel = None
            self.sample = 0
            self.questions = []  # they are about the cells of another picture
            self._payload, self._trace = payload, trace
            self.buffers, self.answer, self.meta = payload.buffers, {}, payload.meta
            self.recorded, self.plain = {}, {}
            self.config, self.softmax_scale = trace.config, trace.config.softmax_scale
            self.mask = trace.mask_at_b if payload.mask else None

    def _page(self) -> str:
        if self._payload is None:
            raise RuntimeError("This debugger was closed: there is nothing left to save.")
        refuse_page(self.trace)
        state = self._state()
        if self.meta["pending"] and not self.answer:
            state["answer"] = self._answer(results(self.trace, self._payload))
        return page_with_steps(self.trace, state)

    def _state(self) -> dict[str, Any]:
        """What a page opens with, as it is now."""
        names: tuple[str, ...] = ("meta", "buffers", "answer", "recorded", "plain", "request")
        names += ("query", "pixel", "stage", "sample", "map", "softmax_scale", "questions")
        state = {name: getattr(self, name) for name in names}
        state["answers"] = []  # whoever opens it is asked anew
        return state | {"config": self.config.to_dict(), "mask": to_wire(self.mask)}

    def _still(self) -> bytes:
        assert self._payload is not None
        place, rate = self.query, self.trace.config.rate
        if place is None and self.pixel is not None:
            place = self.pixel[0] // rate, self.pixel[1] // rate
        arrays = {**self._payload.meta["arrays"], **self.answer.get("arrays", {})}
        buffers = {**self._payload.buffers, **self.answer}
        return still_of(self.trace, arrays, buffers, self.mask, place, self.stage, self.sample)


def _is_run_of(trace: "Trace", config: AttentionConfig, mask: Tensor | None) -> bool:
    """Whether a run is that of this config and mask."""
    hole = trace.mask_at_b
    if trace.config != config:
        return False
    return not hole.any() if mask is None else torch.equal(mask, hole)


def _within(query: Place, grid: Place) -> bool:
    return all(0 <= at < size for at, size in zip(query, grid, strict=True))
