"""The visual debugger: one front end, two homes (a notebook's widget, a page on disk)."""

from .opening import debug, save_page
from .widget import Debugger

__all__ = ["Debugger", "debug", "save_page"]
