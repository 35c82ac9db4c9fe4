"""Contextual attention you can look into, stage by stage.

Importing this loads PyTorch only; figures, widgets and photographs come when they are used.
"""

import importlib
from typing import Any

from . import stages
from .attention.layer import ContextualAttention, attention_summary, contextual_attention
from .comparison import Comparison, compare
from .config import AttentionConfig
from .devices import default_device
from .errors import (
    BudgetError,
    ChannelsLastWarning,
    InputError,
    NothingValidWarning,
    PictureWarning,
    ThinHoleWarning,
    UnsupportedError,
)
from .stages import STAGES
from .traces.loading import load_trace
from .traces.results import PixelLedger, QueryRow, StageResult
from .traces.run import Trace, flow_like, steps, trace

# Names that load matplotlib, anywidget or scikit-image, each with its home.
_LAZY = {
    "debug": "debugger",
    "save_page": "debugger",
    "figures": "figures",
    "exercises": "exercises",
    "samples": "samples",
    "profile": "profiling",
}

__version__ = "0.1.0"

__all__ = [
    "STAGES",
    "AttentionConfig",
    "BudgetError",
    "ChannelsLastWarning",
    "Comparison",
    "ContextualAttention",
    "InputError",
    "NothingValidWarning",
    "PictureWarning",
    "PixelLedger",
    "QueryRow",
    "StageResult",
    "ThinHoleWarning",
    "Trace",
    "UnsupportedError",
    "attention_summary",
    "compare",
    "contextual_attention",
    "debug",
    "default_device",
    "exercises",
    "figures",
    "flow_like",
    "load_trace",
    "profile",
    "samples",
    "save_page",
    "stages",
    "steps",
    "trace",
]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(f".{_LAZY[name]}", __name__)
    return module if _LAZY[name] == name else getattr(module, name)


def __dir__() -> list[str]:
    return sorted(__all__)
