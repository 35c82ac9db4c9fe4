"""Open debuggers follow what `make front-watch` builds, where ANYWIDGET_HMR=1 asks for it."""

import time
import weakref
from threading import Thread
from typing import TYPE_CHECKING

from . import assets

if TYPE_CHECKING:
    from .widget import Debugger

INTERVAL = 0.3  # seconds


def follow(debugger: "Debugger") -> None:
    """Give `debugger` each new front end, until it is closed."""
    Thread(target=_follow, args=(weakref.ref(debugger), assets.modified()), daemon=True).start()


def _follow(reference: "weakref.ref[Debugger]", before: list[int]) -> None:
    while renew(reference(), before):
        before = assets.modified()
        time.sleep(INTERVAL)


def renew(debugger: "Debugger | None", before: list[int]) -> bool:
    """Give `debugger` the files if they are newer; whether it is still open."""
    if debugger is None or debugger.comm is None:
        return False
    if assets.modified() != before:
        assets.forget()
        debugger._css = assets.style()
        debugger._module = assets.module()  # the page renders anew
    return True
