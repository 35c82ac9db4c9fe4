"""The configuration: the original's arguments, and the three dialects as fields."""

import dataclasses
import inspect
import itertools
import json
import pickle
import re
import types
from pathlib import Path

import numpy as np
import pytest
import torch

import ctxattn_viz.config
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
    assert set(values) == {field.name for field in dataclasses.fields(config)}
    assert AttentionConfig.from_dict(values) == config
    assert AttentionConfig.from_dict({"dialect": dialect}) == AttentionConfig(dialect=dialect)


def test_frozen_and_hashable() -> None:
    config = AttentionConfig()
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.ksize = 5  # type: ignore[misc]
    assert {config: 1}[AttentionConfig()] == 1


@pytest.mark.parametrize("rules", [*itertools.product(*CHOICES.values())], ids=" ".join)
def test_the_repr_makes_it_again_and_names_no_dialect_but_its_own(rules: tuple[str, ...]) -> None:
    config = AttentionConfig(ksize=5, fuse=False, **dict(zip(CHOICES, rules, strict=True)))
    assert eval(repr(config), {"AttentionConfig": AttentionConfig}) == config
    assert re.findall("|".join([*DIALECTS, "custom"]), repr(config)) == [config.dialect]


def test_what_was_written_in_files_and_pages_before_is_what_is_written_now() -> None:
    """Saved traces and the page read these names and values."""
    assert AttentionConfig(norm="none").to_dict() == {
        "ksize": 3,
        "stride": 1,
        "rate": 2,
        "fuse_k": 3,
        "softmax_scale": 10.0,
        "fuse": True,
        "shrink": "align_corners",
        "norm": "none",
        "masked": "zero",
        "overlap": "constant",
        "mask_of_batch": "each",
        "dialect": "custom",
    }


def test_it_keeps_its_dialect_through_pickle_and_dataclasses_replace() -> None:
    for config in (AttentionConfig(dialect="mmagic"), AttentionConfig(norm="none")):
        for copied in (pickle.loads(pickle.dumps(config)), dataclasses.replace(config, rate=4)):
            assert copied.dialect == config.dialect
            assert copied.replace(rate=2) == config


def test_a_rule_is_added_in_one_place() -> None:
    """One more field in the source, and nothing else: everything that lists the rules has it."""
    source = Path(ctxattn_viz.config.__file__).read_text()
    field = """
    border: Literal["zeros", "edge"] = _rule(
        tensorflow="zeros", pytorch="edge", mmagic="zeros", meaning="What lies outside the map."
    )

    def __post_init__("""
    assert source.count("\n    def __post_init__(") == 1
    added = types.ModuleType("ctxattn_viz.config")
    added.__package__ = "ctxattn_viz"
    exec(source.replace("\n    def __post_init__(", field), vars(added))
    config = added.AttentionConfig
    assert added.CHOICES == {**CHOICES, "border": ("zeros", "edge")}
    assert {
        name: {**rules, "border": "edge" if name == "pytorch" else "zeros"}
        for name, rules in DIALECTS.items()
    } == added.DIALECTS
    assert config(dialect="pytorch").border == "edge"
    assert config(dialect="pytorch", border="zeros").dialect == "custom"
    assert config(border="edge").replace(dialect="mmagic").border == "zeros"
    assert "border='edge'" in repr(config(border="edge"))
    assert config.from_dict(config(border="edge").to_dict()) == config(border="edge")
    assert "border: What lies outside the map." in inspect.getdoc(config)
    with pytest.raises(InputError, match="border: expected one of 'zeros', 'edge', got 'mirror'"):
        config(border="mirror")
    with pytest.raises(InputError, match=r"mask_of_batch, border beside 'custom', got only norm"):
        config(dialect="custom", norm="max")


def test_every_field_and_every_choice_is_explained_once() -> None:
    text = inspect.getdoc(AttentionConfig)
    for field in dataclasses.fields(AttentionConfig):
        assert len(re.findall(rf"^    {field.name}: \w", text, re.MULTILINE)) == 1
        for choice in CHOICES.get(field.name, ()):
            assert f'`"{choice}"`' in field.metadata["meaning"]


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
