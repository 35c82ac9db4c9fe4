"""The front end's engine in one long-lived Node process, settings drawn for it, and PyTorch's run.

The stages run in float64 on the float32 numbers that the page holds.
"""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st
from torch import Tensor

from ctxattn_viz.config import CHOICES, AttentionConfig
from ctxattn_viz.stages import STAGES


class Engine:
    """A Node process that holds the front end's engine."""

    def __init__(self, node: str, script: Path) -> None:
        self.process = subprocess.Popen(
            [node, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        assert "error" not in answer, answer["error"]
        return answer

    def close(self) -> None:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(timeout=10)


@dataclass(frozen=True)
class Setting:
    config: AttentionConfig
    channels: int
    f_grid: tuple[int, int]
    b_grid: tuple[int, int]
    hole: float  # the share of b that is missing
    magnitude: float
    seed: int

    def inputs(self) -> tuple[Tensor, Tensor, Tensor]:
        draw = torch.Generator().manual_seed(self.seed)
        rate = self.config.rate
        f, b = (
            self.magnitude
            * torch.randn(1, self.channels, h * rate, w * rate, generator=draw, dtype=torch.float32)
            for h, w in (self.f_grid, self.b_grid)
        )
        # A zero channel column now and then: patches whose norm meets its floor.
        b[:, :, : rate * (self.seed % 3)] = 0
        mask = (torch.rand(1, 1, *b.shape[2:], generator=draw) < self.hole).float()
        return f, b, mask


@st.composite
def drawn(draw: st.DrawFn) -> Setting:
    side = st.integers(1, 7)
    fields = {name: draw(st.sampled_from(values)) for name, values in CHOICES.items()}
    named = draw(st.sampled_from(["tensorflow", "pytorch", "mmagic", "custom"]))
    config = AttentionConfig(
        ksize=draw(st.sampled_from([1, 3, 5])),
        stride=draw(st.integers(1, 3)),
        rate=draw(st.integers(1, 4)),
        fuse_k=draw(st.sampled_from([1, 3, 5])),
        softmax_scale=draw(st.sampled_from([10.0, 1.0, 0.0, -2.5])),
        fuse=draw(st.booleans()),
        dialect=named,
        **(fields if named == "custom" else {}),
    )
    return Setting(
        config=config,
        channels=draw(st.sampled_from([1, 2, 3, 11])),
        f_grid=(draw(side), draw(side)),
        b_grid=(draw(side), draw(side)),
        hole=draw(st.sampled_from([0.0, 0.02, 0.3, 1.0])),
        magnitude=draw(st.sampled_from([1.0, 0.05, 4.0])),
        seed=draw(st.integers(0, 10_000)),
    )


def run(
    f: Tensor, b: Tensor, mask: Tensor, config: AttentionConfig, swapped: Sequence[str] = ()
) -> dict[str, Tensor]:
    values = {"f": f.double(), "b": b.double(), "mask": mask.double()}
    for stage in STAGES:
        values[stage.key] = stage.run(values, config)
        if stage.key in swapped:
            values[stage.key] = other(values[stage.key])
    return values


def other(x: Tensor) -> Tensor:
    """What some function makes in place of a stage: as it can be sent, in float32."""
    generator = torch.Generator().manual_seed(x.numel())
    if not x.is_floating_point():
        return torch.randint(0, 2, x.shape, generator=generator).to(x.dtype)
    noise = torch.rand(x.shape, generator=generator, dtype=torch.float64)
    return (0.5 * x.nan_to_num() + noise).float().double()


def text(x: Tensor, dtype: Any) -> str:
    return base64.b64encode(x.contiguous().numpy().astype(dtype).tobytes()).decode()


def numbers(encoded: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(encoded), dtype=np.float64)


def question_of(setting: Setting, recorded: Mapping[str, Tensor]) -> dict[str, Any]:
    f, b, mask = setting.inputs()
    (H, W), (Hb, Wb) = f.shape[2:], b.shape[2:]
    return {
        "shape": {"c": f.shape[1], "H": H, "W": W, "Hb": Hb, "Wb": Wb},
        "f": text(f, np.float32),
        "b": text(b, np.float32),
        "mask": None if setting.hole == 0 else text(mask, np.uint8),
        "recorded": {key: text(x.float(), np.float32) for key, x in recorded.items()},
        "config": setting.config.to_dict(),
    }


def rounding(config: AttentionConfig, fused: Tensor) -> float:
    """By what part shares may differ: what is exponentiated is rounded to float32 on the way, and
    its error grows with its size."""
    exponent = float((config.softmax_scale * fused).abs().max())
    return 4 * float(np.finfo(np.float32).eps) * exponent


def plain(**changes: Any) -> Setting:
    usual: dict[str, Any] = {
        "config": AttentionConfig(),
        "channels": 3,
        "f_grid": (5, 4),
        "b_grid": (5, 4),
        "hole": 0.1,
        "magnitude": 1.0,
        "seed": 7,
    }
    return Setting(**(usual | changes))
