"""The configuration: the original's arguments, and the three dialects as fields."""

import dataclasses
import json

import numpy as np
import pytest
import torch

from ctxattn_viz import AttentionConfig, InputError
from ctxattn_viz.config import CHOICES, DIALECTS


def test_the_defaults_are_the_original() -> None:
    config = AttentionConfig()
    assert (config.ksize, config.stride, config.rate, config.fuse_k) == (3, 1, 2, 3)
    assert (config.softmax_scale, config.fuse, config.dialect) == (10.0, True, "tensorflow")


@pytest.mark.parametrize(
    ("dialect", "fields"),
    [
        ("tensorflow", ("align_corners", "max", "zero", "constant", "each")),
        ("pytorch", ("floor", "per_element", "zero", "constant", "first")),
        ("mmagic", ("floor", "max", "minus_infinity", "coverage", "each")),
    ],
)
def test_a_dialect_is_its_five_fields(dialect: str, fields: tuple[str, ...]) -> None:
    config = AttentionConfig(dialect=dialect)
    assert (
        config.shrink,
        config.norm,
        config.masked,
        config.overlap,
        config.mask_of_batch,
    ) == fields
    assert config.dialect == dialect
    spelt_out = AttentionConfig(**dict(zip(CHOICES, fields, strict=True)))
    assert spelt_out == config  # whatever its name was said to be
    assert spelt_out.dialect == dialect


def test_a_field_given_explicitly_wins() -> None:
    config = AttentionConfig(dialect="pytorch", shrink="align_corners")
    assert (config.shrink, config.norm) == ("align_corners", "per_element")
    assert config.dialect == "custom"
    assert config.replace(shrink="floor").dialect == "pytorch"


def test_replacing_the_dialect_resets_its_fields_and_keeps_the_rest() -> None:
    config = AttentionConfig(ksize=5, norm="none", softmax_scale=3.0)
    assert config.dialect == "custom"
    ported = config.replace(dialect="mmagic")
    assert ported == AttentionConfig(ksize=5, softmax_scale=3.0, dialect="mmagic")
    assert config.replace(dialect="mmagic", norm="none").norm == "none"


@pytest.mark.parametrize("dialect", DIALECTS)
def test_there_and_back_through_json(dialect: str) -> None:
    config = AttentionConfig(rate=4, fuse=False, dialect=dialect, overlap="coverage")
    values = json.loads(json.dumps(config.to_dict()))
    assert set(values) == {field.name for field in dataclasses.fields(config)} | {"dialect"}
    assert AttentionConfig.from_dict(values) == config
    assert AttentionConfig.from_dict({"dialect": dialect}) == AttentionConfig(dialect=dialect)


def test_frozen_and_hashable() -> None:
    config = AttentionConfig()
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.ksize = 5  # type: ignore[misc]
    assert {config: 1}[AttentionConfig()] == 1


@pytest.mark.parametrize(
    "config",
    [
        AttentionConfig(),
        AttentionConfig(dialect="mmagic", ksize=5),
        AttentionConfig(norm="none", fuse=False),
        AttentionConfig(dialect="pytorch", masked="minus_infinity", softmax_scale=0.5),
    ],
)
def test_what_it_shows_makes_it_again(config: AttentionConfig) -> None:
    assert eval(repr(config), {"AttentionConfig": AttentionConfig}) == config


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"ksize": 2}, "ksize: expected an odd integer ≥ 1, got 2."),
        ({"ksize": 0}, "ksize: expected an odd integer ≥ 1, got 0."),
        ({"ksize": 3.0}, "ksize: expected an odd integer ≥ 1, got 3.0."),
        ({"ksize": "3"}, "ksize: expected an odd integer ≥ 1, got '3'."),
        ({"ksize": True}, "ksize: expected an odd integer ≥ 1, got True."),
        ({"ksize": -3}, "ksize: expected an odd integer ≥ 1, got -3."),
        ({"fuse_k": 4}, "fuse_k: expected an odd integer ≥ 1, got 4."),
        ({"rate": 0}, "rate: expected an integer ≥ 1, got 0."),
        ({"stride": 0}, "stride: expected an integer ≥ 1, got 0."),
        ({"softmax_scale": float("nan")}, "softmax_scale: expected a finite number, got nan."),
        ({"softmax_scale": float("inf")}, "softmax_scale: expected a finite number, got inf."),
        ({"softmax_scale": "10"}, "softmax_scale: expected a finite number, got '10'."),
        ({"fuse": "yes"}, "fuse: expected True or False, got 'yes'."),
        (
            {"dialect": "caffe"},
            "dialect: expected one of 'tensorflow', 'pytorch', 'mmagic', 'custom', got 'caffe'.",
        ),
        ({"norm": "l2"}, "norm: expected one of 'max', 'per_element', 'none', got 'l2'."),
        ({"shrink": "area"}, "shrink: expected one of 'align_corners', 'floor', got 'area'."),
        ({"masked": 0}, "masked: expected one of 'zero', 'minus_infinity', got 0."),
        ({"overlap": "4"}, "overlap: expected one of 'constant', 'coverage', got '4'."),
        ({"mask_of_batch": "all"}, "mask_of_batch: expected one of 'each', 'first', got 'all'."),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_bad_values_are_named(arguments: dict, message: str) -> None:
    with pytest.raises(InputError) as caught:
        AttentionConfig(**arguments)
    assert str(caught.value) == message
    with pytest.raises(InputError) as caught:
        AttentionConfig().replace(**arguments)
    assert str(caught.value) == message


def test_unknown_fields_are_named() -> None:
    with pytest.raises(InputError, match="expected the fields of AttentionConfig, got unknown"):
        AttentionConfig.from_dict({"kernel_size": 3})


def test_custom_needs_all_five_fields() -> None:
    said = "dialect: expected all of shrink, norm, masked, overlap, mask_of_batch beside 'custom', "
    for given, got in (
        ({}, "none"),
        ({"norm": "max", "overlap": "coverage"}, "only norm, overlap"),
    ):
        with pytest.raises(InputError) as caught:
            AttentionConfig(dialect="custom", **given)
        assert str(caught.value) == f"{said}got {got}."
    fields = AttentionConfig(dialect="pytorch", masked="minus_infinity").to_dict()
    assert AttentionConfig(**fields).dialect == "custom"


@pytest.mark.parametrize("true", [np.True_, np.int32(1), torch.tensor(True), 1])
def test_a_flag_of_another_library_is_one(true: object) -> None:
    assert AttentionConfig(fuse=true).fuse is True


@pytest.mark.parametrize("value", [np.float64(1), torch.tensor([True]), np.array(2), "True"])
def test_what_is_no_flag_is_refused(value: object) -> None:
    with pytest.raises(InputError, match="fuse: expected True or False"):
        AttentionConfig(fuse=value)


def test_a_scale_beyond_every_float_is_refused() -> None:
    with pytest.raises(InputError, match="softmax_scale: expected a finite number, got inf"):
        AttentionConfig(softmax_scale=10**400)
