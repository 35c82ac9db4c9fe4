"""Contextual attention you can look into, stage by stage.

Importing this loads PyTorch only; figures, widgets and photographs come when they are used.

>>> import torch
>>> import ctxattn_viz as cv
>>> x = torch.arange(48.0).reshape(1, 3, 4, 4) / 48
>>> cv.contextual_attention(x, x).shape
torch.Size([1, 3, 4, 4])
>>> print(cv.trace(x, x).query(0, 0).best(1)[0].index)
0
>>> ", ".join(stage.key for stage in cv.STAGES[:4])
'downsampled_f, downsampled_b, downsampled_mask, matching_patches'
"""

import importlib
from typing import TYPE_CHECKING, Any

from . import stages
from .attention import (
    AttentionSummary,
    ContextualAttention,
    attention_summary,
    contextual_attention,
)
from .comparison import Comparison, StageDifference, compare
from .config import AttentionConfig
from .devices import default_device
from .errors import (
    BudgetError,
    ChannelsLastWarning,
    InputError,
    MaskWarning,
    NothingValidWarning,
    OutOfGridError,
    PictureWarning,
    ThinHoleWarning,
    UnknownKeyError,
    UnknownOptionError,
    UnsupportedError,
)
from .renamed import missing_attribute
from .stages import STAGES, Stage
from .traces import (
    Cells,
    Gradient,
    Match,
    PixelLedger,
    PixelTerm,
    QueryRow,
    Remark,
    Remarks,
    StageResult,
    Summary,
    Trace,
    flow_like,
    load_trace,
    steps,
    trace,
)

# What loads matplotlib, anywidget, scikit-image or executing, as a type checker finds it …
if TYPE_CHECKING:
    from . import exercises, features, figures, samples, variants
    from .debugger import Debugger, StepView, debug, look, save_page, step_into
    from .exercises import Drawing, FaultyPort, Feedback
    from .features import Encoder
    from .figures import Figure
    from .profiling import Ceilings, Cost, Profile, profile
    from .recording import (
        RecordedCall,
        RecordedSource,
        RecordedStep,
        RecordedValue,
        Recording,
        record,
    )

# … and where it is found when it is first used.
_LAZY = {
    "Ceilings": "profiling",
    "Cost": "profiling",
    "Debugger": "debugger",
    "Drawing": "exercises",
    "Encoder": "features",
    "FaultyPort": "exercises",
    "Feedback": "exercises",
    "Figure": "figures",
    "Profile": "profiling",
    "RecordedCall": "recording",
    "RecordedSource": "recording",
    "RecordedStep": "recording",
    "RecordedValue": "recording",
    "Recording": "recording",
    "StepView": "debugger",
    "debug": "debugger",
    "exercises": "exercises",
    "features": "features",
    "figures": "figures",
    "look": "debugger",
    "profile": "profiling",
    "record": "recording",
    "samples": "samples",
    "save_page": "debugger",
    "step_into": "debugger",
    "variants": "variants",
}

__version__ = "0.1.0"

__all__ = [
    "STAGES",
    "AttentionConfig",
    "AttentionSummary",
    "BudgetError",
    "Ceilings",
    "Cells",
    "ChannelsLastWarning",
    "Comparison",
    "ContextualAttention",
    "Cost",
    "Debugger",
    "Drawing",
    "Encoder",
    "FaultyPort",
    "Feedback",
    "Figure",
    "Gradient",
    "InputError",
    "MaskWarning",
    "Match",
    "NothingValidWarning",
    "OutOfGridError",
    "PictureWarning",
    "PixelLedger",
    "PixelTerm",
    "Profile",
    "QueryRow",
    "RecordedCall",
    "RecordedSource",
    "RecordedStep",
    "RecordedValue",
    "Recording",
    "Remark",
    "Remarks",
    "Stage",
    "StageDifference",
    "StageResult",
    "StepView",
    "Summary",
    "ThinHoleWarning",
    "Trace",
    "UnknownKeyError",
    "UnknownOptionError",
    "UnsupportedError",
    "attention_summary",
    "compare",
    "contextual_attention",
    "debug",
    "default_device",
    "exercises",
    "features",
    "figures",
    "flow_like",
    "load_trace",
    "look",
    "profile",
    "record",
    "samples",
    "save_page",
    "stages",
    "step_into",
    "steps",
    "trace",
    "variants",
]

if not TYPE_CHECKING:  # a type checker would take any name at all for one of ours

    def __getattr__(name: str) -> Any:
        if name not in _LAZY:
            raise missing_attribute(__name__, name)
        module = importlib.import_module(f".{_LAZY[name]}", __name__)
        return module if _LAZY[name] == name else getattr(module, name)


def __dir__() -> list[str]:
    return sorted(__all__)
