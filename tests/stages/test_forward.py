"""The whole layer on one page: short, and the same as everything else that computes it."""

from __future__ import annotations

import ast
import inspect
import io
import sys
import tokenize
import warnings

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import ctxattn_viz as cv
from ctxattn_viz.config import DIALECTS
from tests.support import oracle
from tests.support.closeness import assert_close
from tests.support.strategies import Setting, examples, settings_of_attention

MODULE = sys.modules["ctxattn_viz.stages.forward"]
SOURCE = inspect.getsource(MODULE)
LINES = 30


def code_lines(source: str) -> set[int]:
    """The lines that hold code: no blank ones, no comments, no docstrings."""
    docstrings: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            docstrings |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    outside = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in (*outside, tokenize.ENDMARKER):
            lines |= set(range(token.start[0], token.end[0] + 1))
    return lines - docstrings


def test_code_lines_are_counted_as_a_reader_would() -> None:
    assert code_lines('"""What\n\nit is."""\n\n# why\nx = (\n    1,  # one\n)\n') == {6, 7, 8}


def test_it_is_one_page_of_straight_code_with_a_shape_a_line() -> None:
    assert len(code_lines(SOURCE)) <= LINES
    (function,) = (node for node in ast.parse(SOURCE).body if isinstance(node, ast.FunctionDef))
    assert [argument.arg for argument in function.args.args] == ["f", "b", "mask", "config"]
    text = SOURCE.splitlines()
    for statement in function.body[1:]:  # after the docstring
        assert isinstance(statement, (ast.Assign, ast.Return)), ast.unparse(statement)
        line = text[statement.lineno - 1]
        assert "  # " in line, f"no shape: {line}"


def test_it_calls_the_stages_in_the_order_of_the_registry() -> None:
    called = [
        node.func.id
        for node in ast.walk(ast.parse(SOURCE))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    ]
    needed = {"output"}
    for stage in reversed(cv.STAGES):
        if stage.key in needed:
            needed |= {*stage.inputs}
    expected = [stage.function.__name__ for stage in cv.STAGES if stage.key in needed]
    assert len(expected) == 11, "all but the offsets and the flow"
    assert [name for name in called if name != "patch_grid"] == expected


@settings(max_examples=examples(80, thorough=240))
@given(settings_of_attention(), st.sampled_from([*DIALECTS]))
def test_it_equals_trace_function_and_oracle(setting: Setting, dialect: str) -> None:
    config = setting.config.replace(dialect=dialect)
    f, b = torch.from_numpy(setting.f), torch.from_numpy(setting.b)
    mask = None if setting.mask is None else torch.from_numpy(setting.mask)
    known = torch.zeros(1, 1, *b.shape[2:], dtype=b.dtype) if mask is None else mask
    output = cv.stages.forward(f, b, known, config).numpy()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", cv.NothingValidWarning)
        warnings.simplefilter("ignore", cv.ThinHoleWarning)
        warnings.simplefilter("ignore", cv.ChannelsLastWarning)
        trace, y = cv.trace(f, b, mask, config), cv.contextual_attention(f, b, mask, config)
    assert_close("trace", output, trace["output"].tensor.numpy(), 0.0)
    assert_close("function", output, y.numpy())
    expected = oracle.run(setting.f, setting.b, setting.mask, config)["output"]
    assert_close("oracle", output, expected)


def test_it_is_exported_and_its_module_stays_importable() -> None:
    assert cv.stages.forward is MODULE.forward
    assert cv.stages.matching_scores.matching_scores, "the other modules keep their names"


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_in_other_dtypes_it_equals_the_trace(dtype: torch.dtype) -> None:
    f, b = torch.randn(2, 2, 3, 8, 12, generator=torch.Generator().manual_seed(0)).to(dtype)
    mask = torch.zeros(1, 1, 8, 12, dtype=dtype)
    mask[..., :4, :4] = 1
    y = cv.stages.forward(f, b, mask, cv.AttentionConfig())
    assert y.dtype == dtype
    assert torch.equal(y, cv.trace(f, b, mask)["output"].tensor)
