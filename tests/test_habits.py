"""Tensors and keywords as other code has them: told what to write, and nothing legal refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import ctxattn_viz as cv
from ctxattn_viz.errors import UnknownOptionError

X = torch.rand(1, 3, 8, 8)
LAST = torch.rand(1, 32, 32, 3)

HINTS: dict[str, tuple[tuple[Any, ...], str]] = {
    "channels last": ((LAST, LAST), "`f.permute(0, 3, 1, 2)` makes it (n, channels, height"),
    "channels last b": ((X, LAST[:, :, :8]), "`b.permute(0, 3, 1, 2)`"),
    "channels last bytes": (((LAST * 255).byte(), X), "permute(0, 3, 1, 2)` makes it"),
    "one channels-last picture": ((LAST[0], X), "`f.permute(2, 0, 1)[None]`"),
    "one picture": ((X[0], X), "`f[None]`"),
    "grey": ((X[0, 0], X), "`f[None, None]`"),
    "bytes": (((X * 255).byte(), X), "`x / 127.5 - 1`"),
    "bool": ((X > 0.5, X), "`f.float()`"),
    "array": ((np.zeros((1, 3, 8, 8)), X), "`torch.from_numpy(f)`"),
    "list": (([X[0]], X), "`torch.stack(f)`"),
    "array as mask": ((X, X, np.zeros((8, 8))), "`torch.from_numpy(mask)`"),
    "mask of two dimensions": ((X, X, X[0, 0]), "`mask[None, None]`"),
    "mask of three": ((X, X, X[:, 0]), "`mask[:, None]`"),
    "mask (H, W, 1)": ((X, X, X[0, 0, :, :, None]), "`mask.permute(2, 0, 1)[None]`"),
    "mask channels last": ((X, X, X[:, 0, :, :, None]), "`mask.permute(0, 3, 1, 2)`"),
    "mask in colour": ((X, X, X), "`mask[:, :1]`"),
    "mask at the grid": (
        (X, X, torch.zeros(1, 1, 4, 4)),
        "`mask.repeat_interleave(2, 2).repeat_interleave(2, 3)` fits",
    ),
    "config by name": ((X, X, None, "pytorch"), "AttentionConfig(dialect='pytorch')"),
    "config by ksize": ((X, X, None, 3), "AttentionConfig(ksize=3)"),
}
ENTRANCES = {"trace": cv.trace, "steps": cv.steps, "function": cv.contextual_attention}


@pytest.mark.parametrize("enter", ENTRANCES.values(), ids=[*ENTRANCES])
@pytest.mark.parametrize(("arguments", "hint"), HINTS.values(), ids=[*HINTS])
def test_what_to_write(enter: Any, arguments: tuple, hint: str) -> None:
    with pytest.raises(cv.InputError) as caught:
        enter(*arguments)
    assert hint in str(caught.value)


def test_what_is_written_works() -> None:
    small = torch.zeros(1, 1, 4, 4)
    small[..., 1:3, 1] = 1
    mask = small.repeat_interleave(2, 2).repeat_interleave(2, 3)
    for dialect in ("tensorflow", "pytorch"):
        trace = cv.trace(X, X, mask, cv.AttentionConfig(dialect=dialect))
        assert torch.equal(trace["downsampled_mask"].tensor, small)
    last = LAST.permute(0, 3, 1, 2)
    assert cv.contextual_attention(last, last).shape == (1, 3, 32, 32)


@pytest.mark.parametrize("enter", [cv.trace, cv.contextual_attention, cv.attention_summary])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_suspicious_but_legal_is_a_warning(enter: Any, channels: int) -> None:
    x, config = torch.rand(1, 18, 6, channels), cv.AttentionConfig(rate=1)
    with pytest.warns(cv.ChannelsLastWarning, match=r"permute\(0, 3, 1, 2\)") as caught:
        enter(x, x, None, config)
    assert {warning.filename for warning in caught} == {__file__}
    enter(x[:, :16], x[:, :16], None, config)  # as narrow, and fewer than 17 channels
    x = torch.rand(1, 18, 6, 6)
    enter(x, x, None, config)


WRITTEN: dict[str, tuple[dict[str, Any], str]] = {
    "the original's": (
        {"ksize": 3, "stride": 1, "rate": 2, "training": True, "fuse": True},
        "AttentionConfig(ksize=3, stride=1, rate=2, fuse=True)",
    ),
    "DAA233's": (
        {"ksize": 3, "softmax_scale": 10, "fuse": False, "use_cuda": True, "device_ids": [0]},
        "AttentionConfig(dialect='pytorch', ksize=3, softmax_scale=10, fuse=False)",
    ),
    "mmagic's": (
        {"unfold_raw_kernel_size": 4, "unfold_corr_kernel_size": 3, "fuse_kernel_size": 3},
        "AttentionConfig(dialect='mmagic', rate=2, ksize=3, fuse_k=3)",
    ),
    "ours": ({"dialect": "mmagic"}, "AttentionConfig(dialect='mmagic')"),
}
CALLS = {
    "contextual_attention": lambda **k: cv.contextual_attention(X, X, **k),
    "attention_summary": lambda **k: cv.attention_summary(X, X, **k),
    "trace": lambda **k: cv.trace(X, X, **k),
    "steps": lambda **k: cv.steps(X, X, **k),
    "ContextualAttention": lambda **k: cv.ContextualAttention(**k),
}


@pytest.mark.parametrize(("keywords", "written"), WRITTEN.values(), ids=[*WRITTEN])
@pytest.mark.parametrize(("name", "call"), CALLS.items(), ids=[*CALLS])
def test_keywords_of_the_original(name: str, call: Any, keywords: dict, written: str) -> None:
    with pytest.raises(UnknownOptionError) as caught:
        call(**keywords)
    assert isinstance(caught.value, TypeError)
    assert f"Write {name}(" in str(caught.value)
    assert written in str(caught.value)
    eval(written, {"AttentionConfig": cv.AttentionConfig})  # and it is one
    with pytest.raises(TypeError, match="unexpected keyword argument 'nonsense'") as plain:
        call(nonsense=1, **keywords)
    assert not isinstance(plain.value, cv.InputError)
