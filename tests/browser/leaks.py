"""What is alive and ours, in the heap of a page of JupyterLab and in its kernel.

JupyterLab adds listeners and objects of its own whenever it likes, so a bare count of all of them
says little. Ours can be told apart: a widget's code is imported from `blob:` addresses, and nothing
else on a page is.
"""

from __future__ import annotations

import time
from typing import Any

from playwright.sync_api import Page

from tests.browser.drive import ROOT
from tests.browser.homes import Room

# Every event target is in one tree with its root, or is alone.
ROOTS = """function () {
    const roots = new Set();
    for (const target of this) {
        try {
            roots.add(target instanceof Node ? target.getRootNode({ composed: true }) : target);
        } catch { } // a prototype, which is no node
    }
    return [...roots];
}"""
# Those that JupyterLab keeps of closed comms have no comm.
CALLBACKS = """function () {
    const called = this.filter((model) => model.comm).map((model) => Object.values(model._events));
    return called.flat(2).length;
}"""
DECLARES = "function (name) { return Object.hasOwn(this, name); }"
IN_KERNEL = """
def counted():
    import gc
    from comm import get_comm_manager
    from ipywidgets.widgets import widget
    gc.collect()
    alive, kind = list(widget._instances.values()), type(debugger)
    observed = [by_type for one in alive for by_type in one._trait_notifiers.values()]
    return {
        "comms": len(get_comm_manager().comms),
        "widgets": len(alive),
        "observers": sum(len(each) for by_type in observed for each in by_type.values()),
        "message callbacks": sum(len(one._msg_callbacks.callbacks) for one in alive),
        "debuggers": sum(type(each) is kind for each in gc.get_objects()),
    }
print(json.dumps(counted()))
"""


class Heap:
    """A page's heap, looked at through the browser's own debugger.

    What is looked at is held until the end of the `with`: count anew with a new one.
    """

    def __init__(self, page: Page) -> None:
        self.cdp = page.context.new_cdp_session(page)
        scripts: list[dict[str, Any]] = []
        self.cdp.on("Debugger.scriptParsed", lambda script: scripts.append(script))
        self.cdp.send("Debugger.enable")  # tells of every script that is there
        self.ours = {each["scriptId"] for each in scripts if each["url"].startswith("blob:")}

    def __enter__(self) -> Heap:
        return self

    def __exit__(self, *problem: object) -> None:
        self.cdp.detach()

    def listeners(self) -> int:
        """Listeners of ours on anything that is alive, in the document or not."""
        expression = {"expression": "EventTarget.prototype"}
        everything = self.all_of(self.cdp.send("Runtime.evaluate", expression)["result"])
        roots = [each["value"] for each in self.properties(self.call(everything, ROOTS))]
        found = [
            listener["scriptId"]
            for root in roots
            if "objectId" in root
            for listener in self.cdp.send(
                "DOMDebugger.getEventListeners",
                {"objectId": root["objectId"], "depth": -1, "pierce": True},
            )["listeners"]
        ]
        return sum(script in self.ours for script in found)

    def sessions(self) -> int:
        """Debuggers' sessions: whatever still listens, waits or observes for one keeps it."""
        prototype = self.call(self.session(), "function () { return this.constructor.prototype; }")
        return self.value(self.all_of(prototype), "function () { return this.length; }")

    def callbacks(self) -> int:
        """What is called on news of a widget's model whose comm is open, whoever asked for it."""
        proxy = self.call(self.tools(), "function () { return this.kernel.model.get; }")
        model = self.internal(proxy, "[[BoundThis]]")
        above = "function () { return Object.getPrototypeOf(this); }"
        while not self.value(model, DECLARES, "save_changes"):  # that is every model's own class
            model = self.call(model, above)
        return self.value(self.all_of(model), CALLBACKS)

    def session(self) -> Any:
        """The session of the first debugger on the page."""
        return self.call(self.tools(), "function () { return this.session; }")

    def tools(self) -> Any:
        """What its components reach, in a scope around a function that stands on its root."""
        read = f"document.querySelector({ROOT!r}).debuggerRow"
        function = self.cdp.send("Runtime.evaluate", {"expression": read})["result"]
        for scope in self.properties(self.internal(function, "[[Scopes]]")):
            for each in self.properties(scope["value"]):
                if each["name"] == "tools":
                    return each["value"]
        raise AssertionError("debuggerRow stands in no scope with tools")

    def all_of(self, prototype: Any) -> Any:
        """An array of all that have a prototype, after a collection.

        The one that comes with the question is made while a stack is in use, and keeps what only
        looks like a pointer there; this one is made without.
        """
        self.cdp.send("HeapProfiler.collectGarbage")
        asked = {"prototypeObjectId": prototype["objectId"]}
        return self.cdp.send("Runtime.queryObjects", asked)["objects"]

    def properties(self, held: Any) -> list[Any]:
        asked = {"objectId": held["objectId"], "ownProperties": True}
        return [
            each
            for each in self.cdp.send("Runtime.getProperties", asked)["result"]
            if "value" in each
        ]

    def internal(self, held: Any, name: str) -> Any:
        asked = {"objectId": held["objectId"], "ownProperties": True}
        internal = self.cdp.send("Runtime.getProperties", asked)["internalProperties"]
        return next(each["value"] for each in internal if each["name"] == name)

    def call(self, held: Any, function: str, *arguments: Any, value: bool = False) -> Any:
        asked = {"objectId": held["objectId"], "functionDeclaration": function}
        told = [{"value": each} for each in arguments]
        return self.cdp.send(
            "Runtime.callFunctionOn", asked | {"arguments": told, "returnByValue": value}
        )["result"]

    def value(self, held: Any, function: str, *arguments: Any) -> Any:
        return self.call(held, function, *arguments, value=True)["value"]


def alive(room: Room, seconds: float = 20) -> dict[str, int]:
    """What of ours is alive in the kernel and in the page, once the page has come to rest.

    The browser itself holds on to what was last typed in or pointed at for a moment. What still
    has more sessions than debuggers after that is a leak.
    """
    kernel: dict[str, int] = room.python(IN_KERNEL)
    room.page.mouse.move(1, 1)
    deadline = time.monotonic() + seconds
    while True:
        with Heap(room.page) as heap:
            sessions = heap.sessions()
        if sessions == room.page.locator(ROOT).count() or time.monotonic() > deadline:
            break
        room.page.wait_for_timeout(100)
    with Heap(room.page) as heap:
        page = {"listeners": heap.listeners(), "callbacks": heap.callbacks(), "sessions": sessions}
    return kernel | page


def used(room: Room) -> int:
    """Bytes of the page's heap after a collection, once it has come to rest."""
    cdp = room.page.context.new_cdp_session(room.page)
    cdp.send("Performance.enable")

    def look() -> int:
        cdp.send("HeapProfiler.collectGarbage")
        room.page.wait_for_timeout(150)
        metrics = cdp.send("Performance.getMetrics")["metrics"]
        return next(each["value"] for each in metrics if each["name"] == "JSHeapUsedSize")

    least = min(look() for _ in range(8))  # compiled code that nobody runs goes a little each time
    cdp.detach()
    return least
