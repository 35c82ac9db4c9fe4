"""Nothing is lost: what made a tensor is a step, or lies in a named gap."""

from __future__ import annotations

import importlib

import pytest
import torch

import ctxattn_viz as cv
from ctxattn_viz.config import DIALECTS
from ctxattn_viz.stages import STAGES, Stage
from tests.recording import foreign
from tests.support.expressions import expected, missing

# By import, as some functions stand in front of the module of their name.
STAGE_MODULES = [
    importlib.import_module(f"ctxattn_viz.stages.{name}")
    for name in sorted({stage.function.__module__.rpartition(".")[2] for stage in STAGES})
]
FORWARD = importlib.import_module("ctxattn_viz.stages.forward")
CALLS = importlib.import_module("ctxattn_viz.stages.calls")


@pytest.fixture(scope="module")
def traces() -> list[cv.Trace]:
    torch.manual_seed(0)
    mask = torch.zeros(2, 1, 12, 12)
    mask[..., 3:6, 2:8] = 1
    f, b = torch.rand(2, 3, 8, 12), torch.rand(2, 3, 12, 12)
    return [cv.trace(f, b, mask, cv.AttentionConfig(dialect=each)) for each in DIALECTS]


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.key)
def test_every_expression_of_a_stage_in_every_dialect(stage: Stage, traces: list[cv.Trace]) -> None:
    for trace in traces:
        values = {"f": trace.f, "b": trace.b, "mask": trace.mask}
        values |= {key: trace[key].tensor for key in stage.inputs if key not in values}
        arguments = values, trace.config
        spans = expected([*STAGE_MODULES, CALLS], stage.run, lambda given=arguments: given)
        recording = cv.record(stage.run, *arguments)
        assert len(spans) >= 2
        assert missing(recording, spans) == []
        assert recording.gaps == ()


@pytest.mark.parametrize("name", [name for name, *_ in foreign.FUNCTIONS])
def test_every_expression_of_a_foreign_function(name: str) -> None:
    (function, make), *_ = [rest for each, *rest in foreign.FUNCTIONS if each == name]
    spans = expected([foreign], function, make)
    recording = cv.record(function, *make())
    assert len(spans) > 10
    assert missing(recording, spans) == []


def test_a_lost_step_is_noticed() -> None:
    (function, make), *_ = [rest for name, *rest in foreign.FUNCTIONS if name == "slow_match"]
    spans = expected([foreign], function, make)
    recording = cv.record(function, *make())
    recording.steps = tuple(step for step in recording.steps if step.operation != "exp")
    (sentence,) = missing(recording, spans)
    assert "0 steps, 0 gaps" in sentence
