"""The visual debugger: one front end, two homes (a notebook's widget, a page on disk)."""

from .opening import debug, save_page
from .views import StepView, look, step_into
from .widget import Debugger

__all__ = ["Debugger", "StepView", "debug", "look", "save_page", "step_into"]
