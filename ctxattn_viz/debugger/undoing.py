"""All or nothing: what a message or a statement sets is set whole, or everything is as before."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from threading import RLock
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets as t

from .messages import is_ours, reason
from .payload import Payload

if TYPE_CHECKING:
    from ..traces.run import Trace

log = logging.getLogger("ctxattn_viz")
MOST_REQUESTS = 1 << 53  # as far as JavaScript counts


class Checked(t.Any):
    """A trait whose validator sees every value. (traitlets lets None pass by the one of an `Any`.)

    Where None is no value the validator refuses it; where it is one that asks for a new run, that
    run is made before anything changes.
    """

    allow_none = False


class Undoing(anywidget.AnyWidget):
    """A widget that undoes what fails, also where an observer or a linked widget raises."""

    _trace: "Trace | None"
    _payload: Payload | None
    _ready: Any
    _answered: int  # the last request that was answered or refused

    def __init__(self, **state: Any) -> None:
        self._message_lock = RLock()  # a front end may send messages to a thread of their own
        self._undoing = False  # an enclosing call restores everything
        self._in_message = False
        self._notifying_config = False
        self._pending_scale_change: Any = None  # made known once the config's is
        super().__init__(**state)

    def _checked(self, proposal: Any, check: Callable[[Any], Any]) -> Any:
        """The value that `check` makes of what is proposed; what it raises becomes a TraitError."""
        value = proposal["value"]
        if self._trace is None:  # closed: links may go on, nobody looks
            return value
        try:
            return check(value)
        except BaseException as problem:
            # Of several values set together traitlets takes back nothing but for a TraitError.
            if isinstance(problem, Exception) or self._cross_validation_lock:
                raise t.TraitError(reason(problem)) from problem
            raise

    def notify_change(self, change: Any) -> None:
        """Tell page and observers of a change; undone if one of them raises."""
        if change["name"] not in self.keys:
            super().notify_change(change)
            return
        if change["name"] == "softmax_scale" and self._notifying_config:
            self._pending_scale_change = change
            return
        with self._rolled_back_on_failure({change["name"]: change["old"]}):
            if change["name"] != "config":
                super().notify_change(change)
                return
            # A scale that is linked as well would set a linked debugger's old config, and that one
            # this new one: all that is linked to the config comes first.
            previous, self._notifying_config = self._notifying_config, True
            try:
                super().notify_change(change)
            finally:
                self._notifying_config = previous
            self._follow_config()
            if self._pending_scale_change is not None and not previous:
                change, self._pending_scale_change = self._pending_scale_change, None
                self.notify_change(change)

    @contextmanager
    def hold_trait_notifications(self) -> Iterator[None]:
        """As in traitlets; of several values all are undone if one cannot be set."""
        with self._rolled_back_on_failure({}), super().hold_trait_notifications():
            yield

    def _follow_config(self) -> None:
        """What changes after the config and all that is linked to it."""

    @contextmanager
    def _rolled_back_on_failure(self, before: Mapping[str, Any]) -> Iterator[None]:
        if self._undoing or self._trace is None or self.comm is None:
            yield
            return
        values, run = {**self._values(), **before}, (self._trace, self._payload)
        self._undoing = True
        try:
            yield
        except BaseException:
            self._restore(values, run)
            raise
        finally:
            self._undoing = False

    @contextmanager
    def _all_or_nothing(
        self, message: Mapping[str, Any], resent: Iterable[str] | None = None
    ) -> Iterator[None]:
        """What fails in here is undone; the page is sent the state as it is, then the reason.

        Args:
            message: what came, with the number of its request.
            restored: the traits to send again; None for those that the message names.
        """
        with self._message_lock:
            values, run = self._values(), (self._trace, self._payload)
            previous = self._undoing, self._in_message
            self._undoing = self._in_message = True
            try:
                yield
            except BaseException as problem:
                self._restore(values, run)
                names = set(message if resent is None else resent) & set(self.keys)
                number = message.get("request")
                if type(number) is int and 0 <= number < MOST_REQUESTS:
                    # It counts as answered: the page waits for no other answer.
                    self._answered = number
                    with self._lock_property(request=number):
                        self.request = number
                    names.discard("request")
                self.send_state(names)
                self._refuse(problem)
                if not isinstance(problem, Exception):
                    raise
            finally:
                self._undoing, self._in_message = previous

    def _values(self) -> dict[str, Any]:
        # A request that failed is not asked again.
        return {name: getattr(self, name) for name in self.keys if name != "request"}

    def _restore(self, values: Mapping[str, Any], run: Any) -> None:
        """Every trait and the run as they were, whatever a value did on its way."""
        if self._trace is None:  # closed in between
            return
        self._ready = self._pending_scale_change = None
        self._trace, self._payload = run
        self._answered = self.request
        try:
            with self.hold_trait_notifications():
                for name, value in values.items():
                    if getattr(self, name) is not value:
                        self.set_trait(name, value)
        except Exception:  # somebody's observer: our own traits are back by now
            log.exception("An observer failed when a refused setting was put back.")

    def _refuse(self, problem: BaseException) -> None:
        cause = problem.__cause__ or problem  # of a TraitError: what the check raised
        if not is_ours(cause) and isinstance(cause, Exception):
            log.error("The debugger could not do what was asked.", exc_info=cause)
        self.send({"kind": "refused", "request": self.request, "reason": reason(problem)})
