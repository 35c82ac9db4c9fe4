"""`python -m tools.front_data`: what the front end has to know of Python, written as TypeScript.

Each file of frontend/generated/ is written by one function of `FILES`, from the package itself.
With `--check` nothing is written: it fails where a file is not what would be written now.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import anywidget
import numpy as np
import torch
from matplotlib import colormaps

import ctxattn_viz as cv
from ctxattn_viz.debugger import assets, outcome, page
from ctxattn_viz.debugger.payload import build
from ctxattn_viz.debugger.state import initial_state
from ctxattn_viz.debugger.step_in import stored_recording
from ctxattn_viz.debugger.widget import KERNEL_TRAITS, Debugger
from ctxattn_viz.stages import MATRICES, STAGES
from ctxattn_viz.traces.maps import MAPS

ROOT = Path(__file__).resolve().parents[1]
GENERATED = ROOT / "frontend" / "generated"
WIDTH = 100  # columns, as Biome has them
HEADER = "// Written by `python -m tools.front_data` from {source}: do not edit.\n"


class Code(str):
    """TypeScript that stands for itself, where a plain string would be quoted."""


def typescript(value: Any, indent: int = 0, used: int = 0) -> str:
    """A value as Biome would format it.

    Args:
        indent: how many columns its closing bracket is indented by.
        used: how many columns of its first line are taken by what stands around it.
    """
    line = _in_one_line(value)
    if not isinstance(value, Mapping | list | tuple) or not value:
        return line
    if used + len(line) <= WIDTH and not _always_broken(value):
        return line
    inner = " " * (indent + 2)
    if isinstance(value, Mapping):
        named = [(f"{inner}{_name(name)}: ", each) for name, each in value.items()]
    else:
        named = [(inner, each) for each in value]
    lines = [f"{start}{typescript(each, indent + 2, len(start) + 1)},\n" for start, each in named]
    opening, closing = "{}" if isinstance(value, Mapping) else "[]"
    return f"{opening}\n{''.join(lines)}{' ' * indent}{closing}"


def _in_one_line(value: Any) -> str:
    if isinstance(value, Code):
        return value
    if isinstance(value, Mapping):
        inside = ", ".join(f"{_name(name)}: {_in_one_line(each)}" for name, each in value.items())
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_in_one_line, value))}]"
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _always_broken(value: Any) -> bool:
    """Biome puts lists of lists one below the other, whatever their width."""
    parts = list(value.values()) if isinstance(value, Mapping) else value
    if not isinstance(parts, list | tuple):
        return False
    of_lists = not isinstance(value, Mapping) and all(
        isinstance(part, list | tuple) and len(part) > 1 for part in parts
    )
    return (len(parts) > 1 and of_lists) or any(map(_always_broken, parts))


def _name(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z_]\w*", name) else json.dumps(name, ensure_ascii=False)


def constant(name: str, value: Any, ending: str = " as const") -> str:
    """`export const name = value as const;`"""
    start = f"export const {name} = "
    return f"{start}{typescript(value, used=len(start) + len(ending) + 1)}{ending};\n"


def stages() -> str:
    """The keys of stages and steps, and which belong together."""
    steps: dict[str, list[str]] = {}
    for stage in STAGES:
        steps.setdefault(stage.step, []).append(stage.key)
    return "\n".join(
        [
            HEADER.format(source="ctxattn_viz.stages.STAGES"),
            "/** Every stage, in the paper's order. */\n"
            + constant("STAGE_KEYS", [stage.key for stage in STAGES])
            + "export type StageKey = (typeof STAGE_KEYS)[number];\n",
            "/** The steps of the strip, in order. */\n"
            + constant("STEP_KEYS", list(steps))
            + "export type StepKey = (typeof STEP_KEYS)[number];\n",
            "/** The stages that each step shows. */\n"
            + constant("STAGES_OF_STEP", steps, " as const satisfies Record<StepKey, StageKey[]>"),
            "/** Of every query with every background patch: a row of each is a heat map. */\n"
            + constant("MATRIX_KEYS", MATRICES, " as const satisfies StageKey[]")
            + "export type MatrixKey = (typeof MATRIX_KEYS)[number];\n",
        ]
    )


def defaults() -> str:
    """The settings that nobody chose: a picture that is taken away says which differ."""
    return "\n".join(
        [
            HEADER.format(source="ctxattn_viz.AttentionConfig"),
            'import type { AttentionConfig } from "../engine/config.ts";\n',
            constant("DEFAULTS", cv.AttentionConfig().to_dict(), " satisfies AttentionConfig"),
        ]
    )


def maps() -> str:
    """The names of the maps of doubt."""
    return "\n".join(
        [
            HEADER.format(source="ctxattn_viz.traces.maps.MAPS"),
            "/** In the order of the menu. */\n"
            + constant("MAP_NAMES", list(MAPS))
            + "export type MapName = (typeof MAP_NAMES)[number];\n",
        ]
    )


# ---- colours ----

COLOURS_A_LINE = 8


def colours() -> str:
    """The colour maps of canvas and legend; the still takes them from matplotlib itself."""
    return "\n".join(
        [
            HEADER.format(source="matplotlib's colour maps"),
            "/** 256 colours from the low end to the high one, in hexadecimal digits. */\n"
            + constant("CIVIDIS", _levels("cividis")),
            "/** PuOr from its purple end: its middle is white. */\n"
            + constant("PURPLE_ORANGE", _levels("PuOr_r")),
        ]
    )


def _levels(name: str) -> list[str]:
    levels = (255 * colormaps[name](range(256))[:, :3]).round().astype(np.uint8)
    return [line.tobytes().hex() for line in levels.reshape(-1, 3 * COLOURS_A_LINE)]


# ---- the protocol ----

IMPORTS = """\
import type { AttentionConfig } from "../engine/config.ts";
import type {
  Answer,
  AskGradientMessage,
  AskRowsMessage,
  CodeTraits,
  Complete,
  FindingsMessage,
  FindMessage,
  GradientMessage,
  KernelTraits,
  Meta,
  NoGradientMessage,
  NoRecordingMessage,
  PageMessage,
  Recorded,
  RecordingMessage,
  RefusedMessage,
  RemarkData,
  RowsMessage,
  SavePageMessage,
  SharedTraits,
  StepInMessage,
  SteppingTraits,
  StoredRecording,
  Summary,
  Traits,
  UploadMessage,
} from "../protocol.ts";
"""


class Recording(dict[str, Any]):
    """A message of the page that remembers which of its parts were read."""

    def __init__(self, content: dict[str, Any]) -> None:
        super().__init__(content)
        self.names: list[str] = []

    def __getitem__(self, name: str) -> Any:
        self._read(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        self._read(name)
        return super().get(name, default)

    def __contains__(self, name: object) -> bool:
        self._read(str(name))
        return super().__contains__(name)

    def _read(self, name: str) -> None:
        if name not in self.names:
            self.names.append(name)

    def read(self) -> dict[str, Any]:
        """What was read of it; a part that the example lacks stands there as undefined."""
        missing = Code("undefined")
        return {name: super(Recording, self).get(name, missing) for name in self.names}


def _imports(body: str, known: str = "") -> str:
    """Those lines of `IMPORTS` whose type an example has."""
    lines = [
        line
        for line in IMPORTS.splitlines(keepends=True)
        if not (name := re.fullmatch(r"  (\w+),\n|import type { (\w+) } .*\n", line))
        or re.search(rf"satisfies .*\b{name[1] or name[2]}\b", body)
    ]
    return "".join(lines) + known


def examples() -> str:
    """What a real debugger holds, for the compiler to hold against protocol.ts."""
    return _written({k: v for k, v in _examples().items() if k not in CROSSING})


def crossing() -> str:
    """Messages, recordings and exceptions, for the compiler to hold against protocol.ts."""
    constants = {k: v for k, v in _examples().items() if k in CROSSING}
    return _written(constants, 'import { CONFIG } from "./examples.ts";\n')


def _written(constants: Mapping[str, tuple[Any, str]], known: str = "") -> str:
    body = "\n".join(
        constant(name, _without_values(value), f" satisfies {kind}")
        for name, (value, kind) in constants.items()
    )
    return "\n".join(
        [
            HEADER.format(source="a real debugger"),
            _imports(body, known),
            "const BYTES = new DataView(new ArrayBuffer(0));\n",
            body,
        ]
    )


# The examples of what is sent on its own, and of what may stand in the state instead.
CROSSING = (
    *("UNCOMPUTED", "PENDING_META", "REMARK"),
    *("STORED_RECORDING", "STEPPING", "STEP_IN", "RECORDING", "NO_RECORDING"),
    *("SAVE_PAGE", "FIND", "UPLOAD", "PAGE", "FINDINGS", "REFUSED", "ASK_ROWS", "ROWS"),
    *("ASK_GRADIENT", "GRADIENT", "NO_GRADIENT"),
)


@cache
def _examples() -> dict[str, tuple[Any, str]]:
    """What a real debugger sends and reads: each constant's value and its type.

    Only names and types are of interest: every number with a fraction, every text of code and all
    bytes are left out, so that the file is the same on every machine.
    """
    f, mask = torch.zeros(1, 3, 8, 8), torch.zeros(1, 1, 8, 8)
    mask[..., 2:5, 2:5] = 1
    code = {name: (lambda: "") for name in ("bootstrap", "module", "style")}
    sent: list[dict[str, Any]] = []
    with (
        patch.multiple(assets, **code),
        patch.object(page, "render", lambda state: ""),
        patch.object(Debugger, "send", lambda self, content, buffers=(): sent.append(content)),
    ):
        run = cv.trace(f, f, mask)
        debugger = cv.debug(
            run,
            query=(1, 2),
            pixel=(3, 4),
            foreground_mask=mask,
            truth=f,
            python="f = b = …",
            cells=[(1, 2)],
            ask=["where"],
        )
        debugger.softmax_scale = 4.0
        state = debugger.get_state()
        of_any_widget = anywidget.AnyWidget.class_traits(sync=True)
        names = [name for name in Debugger.class_traits(sync=True) if name not in of_any_widget]
        traits = {name: state[name] for name in names}
        messages = {
            "SAVE_PAGE": Recording({"kind": "save_page"}),
            "FIND": Recording({"kind": "find"}),
            "UPLOAD": Recording(
                {
                    "kind": "upload",
                    "name": "photo.png",
                    "shape": [8, 8, 3],
                    "size": 8,
                    "config": state["config"],
                }
            ),
            "ASK_ROWS": Recording(
                {"kind": "rows", "number": 1, "queries": [[1, 2]], "patch": 3},
            ),
            "STEP_IN": Recording(
                {"kind": "step_in", "number": 1, "stage": "scores", "query": [1, 2]}
            ),
            "ASK_GRADIENT": Recording(
                {"kind": "gradient", "number": 1, "pixel": [3, 4], "query": None}
            ),
        }
        _custom(debugger, messages["SAVE_PAGE"])
        _custom(debugger, messages["FIND"])
        _custom(debugger, messages["UPLOAD"], bytes(8 * 8 * 3))
        assert [message["kind"] for message in sent] == ["page", "findings"], sent
        _custom(debugger, "nonsense")
        _custom(debugger, messages["STEP_IN"])
        _custom(debugger, {"kind": "step_in", "number": 2, "stage": "scores"})
        _custom(debugger, messages["ASK_ROWS"])
        _custom(debugger, messages["ASK_GRADIENT"])
        _custom(debugger, {"kind": "gradient", "number": 2})
        stored = stored_recording(run, "scores", (1, 2))
        swapped = build(cv.trace(f, f, swap={"valid": _all_valid}))
        view = cv.look(f)
        stepping = {name: view.get_state()[name] for name in ("recording",)}
        view.close()
        debugger.close()
        with patch.object(outcome, "KEEP_BYTES", 0):
            pending = build(cv.trace(f, f), at_once=False)
        page_names = initial_state(pending, run)
    own = [name for name in traits if name not in KERNEL_TRAITS and name[0] != "_"]
    codes = [name for name in traits if name[0] == "_"]
    page_message, findings, refused, recording, no_recording, rows, gradient, no_gradient = sent
    meta, answer = traits["meta"], traits["answer"]
    config, summary = meta["config"], meta["summaries"]["flow"]
    uncomputed = pending.meta["summaries"]["flow"]
    shared = {"config": ("CONFIG", config), "summaries": ("SUMMARY", summary)}
    differing_meta = {
        name: value
        for name, value in pending.meta.items()
        if value != meta[name] and name != "summaries"
    }
    return {
        "CONFIG": (config, "Complete<AttentionConfig>"),
        "SUMMARY": (summary, "Complete<Summary>"),
        "UNCOMPUTED": (uncomputed, "Complete<Summary>"),
        "META": (_named(shared, meta), "Complete<Meta>"),
        "PENDING_META": (differing_meta, "Partial<Meta>"),
        "ANSWER": (_named(shared, answer), "Complete<Answer>"),
        "RECORDED": (swapped.recorded, "Complete<Recorded>"),
        "PLAIN": (_named(shared, swapped.plain), 'Complete<Omit<Answer, "request">>'),
        "TRAITS": (
            _named(shared, traits)
            | {"meta": Code("META"), "answer": Code("ANSWER")}
            | {"recorded": Code("RECORDED"), "plain": Code("PLAIN")},
            "Complete<Traits>",
        ),
        "CODE": (_names(codes), "Record<keyof CodeTraits, true>"),
        "WRITTEN_BY_KERNEL": (_names(KERNEL_TRAITS), "Record<keyof KernelTraits, true>"),
        "WRITTEN_BY_BOTH": (_names(own), "Record<keyof SharedTraits, true>"),
        "PAGE_STATE": (_names(page_names), "Record<keyof (KernelTraits & SharedTraits), true>"),
        "STORED_RECORDING": (_shortened(stored), "Complete<StoredRecording>"),
        "STEPPING": (_shortened(stepping), "Complete<SteppingTraits>"),
        "REMARK": (meta["facts"][0], "Complete<RemarkData>"),
        "SAVE_PAGE": (messages["SAVE_PAGE"].read(), "Complete<SavePageMessage>"),
        "FIND": (messages["FIND"].read(), "Complete<FindMessage>"),
        "UPLOAD": (_named(shared, messages["UPLOAD"].read()), "Complete<UploadMessage>"),
        "PAGE": (page_message, "Complete<PageMessage>"),
        "FINDINGS": (findings, "Complete<FindingsMessage>"),
        "REFUSED": (refused, "Complete<RefusedMessage>"),
        "ASK_ROWS": (messages["ASK_ROWS"].read(), "Complete<AskRowsMessage>"),
        "ROWS": (rows, "Complete<RowsMessage>"),
        "STEP_IN": (messages["STEP_IN"].read(), "Complete<StepInMessage>"),
        "RECORDING": (
            _named({"recording": ("STORED_RECORDING.recording", stored["recording"])}, recording),
            "Complete<RecordingMessage>",
        ),
        "NO_RECORDING": (no_recording, "Complete<NoRecordingMessage>"),
        "ASK_GRADIENT": (messages["ASK_GRADIENT"].read(), "Complete<AskGradientMessage>"),
        "GRADIENT": (gradient, "Complete<GradientMessage>"),
        "NO_GRADIENT": (no_gradient, "Complete<NoGradientMessage>"),
    }


def _all_valid(mask: torch.Tensor, config: cv.AttentionConfig) -> torch.Tensor:
    return torch.ones(1, mask.shape[2] * mask.shape[3], dtype=torch.bool)


# What depends on where the code stands, and on who looks on: a typechecker adds calls of its own.
PLACES = (
    "source",
    "first_line",
    "line",
    "end_line",
    "column",
    "end_column",
    "frame",
    "bytes",
    "parent",
)
TEXTS = ("file", "name", "text")


def _shortened(value: Any) -> Any:
    """A recording with one of each; without the texts of files, and where anything stands."""
    if isinstance(value, Mapping):
        return {
            name: 0 if name in PLACES else "" if name in TEXTS else _shortened(each)
            for name, each in value.items()
        }
    if isinstance(value, list) and value and isinstance(value[0], Mapping | bytes):
        return [_shortened(value[-1])]
    return value


def _custom(debugger: Debugger, content: dict[str, Any], *buffers: bytes) -> None:
    data = {"method": "custom", "content": content}
    debugger._handle_msg({"content": {"data": data}, "buffers": [*buffers]})


def _names(names: Iterable[str]) -> dict[str, bool]:
    return dict.fromkeys(names, True)


def _named(
    constants: Mapping[str, tuple[str, Mapping[str, Any]]], described: Mapping[str, Any]
) -> dict[str, Any]:
    """`described` with the name of a constant where it says the same again."""
    result = dict(described)
    for part in constants.keys() & described.keys():
        name, example = constants[part]
        if part == "summaries":
            assert all(each.keys() == example.keys() for each in described[part].values())
            result[part] = dict.fromkeys(described[part], Code(name))
        else:
            assert described[part].keys() == example.keys()
            result[part] = Code(name)
    return result


def _first(name: str, each: Any) -> Any:
    is_list = name in ("registry", "facts", "findings", "cells") and each is not None
    return each[:1] if is_list else each


def _without_values(value: Any) -> Any:
    if isinstance(value, Mapping):
        # Of the registry one stage is enough: generated/stages.ts has the keys of all. So is one
        # fact, one finding and one of its cells; sentences have numbers.
        return {
            name: "" if name == "sentence" else _without_values(_first(name, each))
            for name, each in value.items()
        }
    if isinstance(value, list | tuple):
        return [_without_values(each) for each in value]
    if isinstance(value, bytes | memoryview):
        return Code("BYTES")
    return 0 if isinstance(value, float) else value


FILES: dict[str, Callable[[], str]] = {
    "stages.ts": stages,
    "defaults.ts": defaults,
    "maps.ts": maps,
    "colours.ts": colours,
    "examples.ts": examples,
    "crossing.ts": crossing,
}
"""By the file's name, what writes it."""


def differing(folder: Path = GENERATED) -> list[str]:
    """The files that are not what would be written now, and those that nothing writes."""
    written = {name: write() for name, write in FILES.items()}
    stored = {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}
    return sorted(
        name for name in written.keys() | stored.keys() if written.get(name) != stored.get(name)
    )


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.front_data", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; compare")
    if parser.parse_args(arguments).check:
        names = differing()
        if names:
            print(
                f"frontend/generated/: {', '.join(names)} is not what Python says now. Run `make "
                "front` and commit; then `make check` names what has to follow.",
                file=sys.stderr,
            )
        return bool(names)
    GENERATED.mkdir(exist_ok=True)
    for name, write in FILES.items():
        (GENERATED / name).write_text(write(), encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
