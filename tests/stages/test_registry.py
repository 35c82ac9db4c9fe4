"""The list of stages: what each says of itself is what it does."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import torch

import ctxattn_viz as cv
from ctxattn_viz.config import DIALECTS
from ctxattn_viz.stages import BY_KEY, STAGES, Stage, touched_by
from ctxattn_viz.traces.values import LazyValues

FIELDS = {field.name for field in dataclasses.fields(cv.AttentionConfig)} - {"dialect"}
RUNS: dict[str, dict[str, Any]] = {
    **{dialect: {"dialect": dialect} for dialect in DIALECTS},
    "stride 2, rate 3, no fusion": {"stride": 2, "rate": 3, "fuse": False, "norm": "none"},
}
KEYS = [stage.key for stage in STAGES]


class OnlyWhatIsDeclared(Mapping[str, torch.Tensor]):
    """The values of a stage's inputs; of f and b the sizes, which every stage may know."""

    def __init__(self, stage: Stage, values: Mapping[str, torch.Tensor]) -> None:
        self.stage, self.values_of_all = stage, values
        self.read: set[str] = set()

    def __getitem__(self, key: str) -> torch.Tensor:
        if key in self.stage.inputs:
            self.read.add(key)
            return self.values_of_all[key]
        assert key in ("f", "b"), f"{self.stage.key} reads {key}, which it does not declare"
        return self.values_of_all[key].to("meta")

    def __iter__(self) -> Iterator[str]:
        return iter(self.stage.inputs)

    def __len__(self) -> int:
        return len(self.stage.inputs)


def recording(config: cv.AttentionConfig, read: set[str]) -> cv.AttentionConfig:
    """The same configuration, which notes what is read of it."""

    class Recording(cv.AttentionConfig):
        def __getattribute__(self, name: str) -> Any:
            if name in FIELDS:
                read.add(name)
            return super().__getattribute__(name)

    other = object.__new__(Recording)
    for name in FIELDS:
        object.__setattr__(other, name, getattr(config, name))
    return other


def values(config: cv.AttentionConfig, seed: int = 0) -> LazyValues:
    generator = torch.Generator().manual_seed(seed)
    cells = (3, 4), (4, 5)
    f, b = (
        torch.randn(2, 3, h * config.rate, w * config.rate, generator=generator) for h, w in cells
    )
    mask = torch.zeros(2, 1, 2 * b.shape[2], 2 * b.shape[3])
    corner = 2 * config.rate * (1 + seed)
    mask[0, :, :corner, :corner] = 1
    mask[1, :, -corner:, -corner:] = 1
    return LazyValues({"f": f, "b": b, "mask": mask}, config)


@pytest.mark.parametrize("key", KEYS)
def test_a_stage_runs_with_what_it_declares_and_uses_all_of_it(key: str) -> None:
    stage, fields_read, inputs_read = BY_KEY[key], set(), set()
    for arguments in RUNS.values():
        config = cv.AttentionConfig(**arguments)
        known = values(config)
        declared = OnlyWhatIsDeclared(stage, known)
        result = stage.run(declared, recording(config, fields_read))
        assert torch.equal(result.nan_to_num(7), known[key].nan_to_num(7))
        inputs_read |= declared.read
    assert inputs_read == {*stage.inputs}
    assert fields_read == {*stage.settings}


@pytest.mark.parametrize(("key", "name"), [(s.key, name) for s in STAGES for name in s.inputs])
def test_another_value_of_an_input_makes_another_result(key: str, name: str) -> None:
    config = cv.AttentionConfig()
    known, other = values(config), values(config, seed=1)
    changed = {k: known[k] for k in known} | {name: other[name]}
    assert not torch.equal(BY_KEY[key].run(changed, config), known[key])


def test_inputs_come_before_the_stages_that_read_them() -> None:
    known = {"f", "b", "mask"}
    for stage in STAGES:
        assert {*stage.inputs} <= known, stage.key
        assert {*stage.settings} <= FIELDS, stage.key
        known.add(stage.key)


def test_every_setting_is_read_by_a_stage() -> None:
    assert {name for stage in STAGES for name in stage.settings} == FIELDS


def test_what_depends_on_what() -> None:
    """By hand, from the paper's order."""
    after_the_softmax = {"attention", "output", "offsets", "flow"}
    assert touched_by({"mask"}) == {"downsampled_mask", "valid"} | after_the_softmax
    assert touched_by({"softmax_scale"}) == after_the_softmax
    assert touched_by({"mask_of_batch"}) == {"valid"} | after_the_softmax
    assert touched_by({"overlap"}) == {"output"}
    assert touched_by({"offsets"}) == {"flow"}
    assert touched_by({"rate"}) == {*KEYS}
    assert touched_by(set()) == set()
