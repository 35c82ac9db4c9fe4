"""What belongs to the whole process, as it was before a student's function ran."""

import asyncio
import builtins
import contextlib
import decimal
import gc
import inspect
import linecache
import locale
import logging
import math
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
import torch

_Setting = tuple[Callable[[], Any], Callable[[Any], object]]  # how it is read, how it is written


def _enable_collection(enabled: bool) -> None:
    if enabled:
        gc.enable()
    else:
        gc.disable()


def _set_device(device: torch.device) -> None:
    torch.set_default_device(None if device.type == "cpu" else device)


def _set_profile(profile: Any) -> None:
    """One that is written in C cannot be set again from here."""
    sys.setprofile(profile if callable(profile) else None)


def _deterministic() -> tuple[bool, bool]:
    warns = torch.is_deterministic_algorithms_warn_only_enabled()
    return torch.are_deterministic_algorithms_enabled(), warns


def _set_deterministic(mode: tuple[bool, bool]) -> None:
    torch.use_deterministic_algorithms(mode[0], warn_only=mode[1])


def _autocast() -> tuple[bool, torch.dtype]:
    return torch.is_autocast_enabled("cpu"), torch.get_autocast_dtype("cpu")


def _set_autocast(mode: tuple[bool, torch.dtype]) -> None:
    torch.set_autocast_enabled("cpu", mode[0])
    torch.set_autocast_dtype("cpu", mode[1])


def _set_environment(variables: dict[str, str]) -> None:
    for name in set(os.environ) - set(variables):
        del os.environ[name]
    os.environ.update(variables)


def _umask() -> int:
    mask = os.umask(0)  # it can only be read by setting it
    os.umask(mask)
    return mask


def _set_print_options(options: dict[str, Any]) -> None:
    vars(torch._tensor_str.PRINT_OPTS).update(options)


def _leave_function_modes(count: int) -> None:
    while torch._C._len_torch_function_stack() > count:
        torch._C._pop_torch_function_stack()


_SETTINGS: tuple[_Setting, ...] = (
    (sys.gettrace, sys.settrace),
    (sys.getprofile, _set_profile),
    (sys.getrecursionlimit, sys.setrecursionlimit),
    (sys.getswitchinterval, sys.setswitchinterval),
    (sys.get_int_max_str_digits, sys.set_int_max_str_digits),
    (sys.get_asyncgen_hooks, lambda hooks: sys.set_asyncgen_hooks(*hooks)),
    (asyncio._get_running_loop, asyncio._set_running_loop),
    (threading.gettrace, threading.settrace),
    (threading.getprofile, threading.setprofile),
    (gc.isenabled, _enable_collection),
    (gc.get_threshold, lambda thresholds: gc.set_threshold(*thresholds)),
    (gc.get_debug, gc.set_debug),
    (lambda: dict(os.environ), _set_environment),
    (os.getcwd, os.chdir),
    (_umask, os.umask),
    (lambda: decimal.getcontext().copy(), decimal.setcontext),
    (np.get_printoptions, lambda options: np.set_printoptions(**options)),
    (lambda: vars(torch._tensor_str.PRINT_OPTS).copy(), _set_print_options),
    (torch.is_warn_always_enabled, torch.set_warn_always),
    (lambda: locale.setlocale(locale.LC_ALL), lambda name: locale.setlocale(locale.LC_ALL, name)),
    (lambda: logging.root.manager.disable, logging.disable),
    (np.geterr, lambda errors: np.seterr(**errors)),
    (torch.is_grad_enabled, torch.set_grad_enabled),
    (torch.get_default_dtype, torch.set_default_dtype),
    (torch.get_default_device, _set_device),
    (torch.get_num_threads, torch.set_num_threads),
    (torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
    (_autocast, _set_autocast),
    (_deterministic, _set_deterministic),
    (torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly),
    # After the default device, which has one.
    (torch._C._len_torch_function_stack, _leave_function_modes),
)
_RANDOM: tuple[_Setting, ...] = (
    (torch.get_rng_state, torch.set_rng_state),
    (random.getstate, random.setstate),
    (np.random.get_state, np.random.set_state),
)
# Every name in these is as before; first those that what follows uses itself. `sys` has the hooks,
# the standard streams, and which lists and dictionaries it uses.
_MODULES = (
    *(builtins, sys, os, contextlib, signal, threading, time, gc, inspect, linecache, locale),
    *(random, math, asyncio),
)
# The functions and classes in these; other names may hold what is noted for later.
_OWNERS = (
    *(torch, torch.nn, torch.nn.functional, torch.linalg, torch.autograd, np),
    *(torch.Tensor, torch.nn.Module),
)


@contextmanager
def restored() -> Iterator[None]:
    """Afterwards the process's settings, random states and PyTorch's functions are as before.

    Signals too; what is set for them can be read and written in the main thread alone.
    """
    modules = [(vars(module), dict(vars(module))) for module in _MODULES]
    functions = [
        (owner, {k: v for k, v in vars(owner).items() if callable(v)}, set(vars(owner)))
        for owner in (*_OWNERS, *_our_modules())
    ]
    loaded = sys.modules.copy()
    lists: list[tuple[list[Any], list[Any]]]
    lists = [(x, list(x)) for x in (sys.path, sys.meta_path, sys.path_hooks, sys.argv)]
    settings = [(read, write, read()) for read, write in _SETTINGS]
    states = [(write, read()) for read, write in _RANDOM]
    restore_signals = _remember_signals()
    try:
        yield
    finally:
        for now, names in modules:
            now.update(names)
        restore_signals()
        for owner, before, all_names in functions:
            for name in [k for k, v in before.items() if vars(owner).get(k) is not v]:
                setattr(owner, name, before[name])
            if isinstance(owner, type):  # put before what it inherits
                for name in set(vars(owner)) - all_names:
                    delattr(owner, name)
        sys.modules.update(loaded)
        for current, saved in lists:
            if current != saved:
                current[:] = saved
        for read, write, value in settings:
            if not _same(_read(read), value):
                write(value)
        for write, state in states:
            write(state)


def _our_modules() -> list[Any]:
    package = __name__.partition(".")[0]
    return [m for name, m in sys.modules.copy().items() if name.partition(".")[0] == package]


def _read(read: Callable[[], Any]) -> Any:
    """A setting; None where it cannot be read, as of a folder that has been removed."""
    try:
        return read()
    except OSError:
        return None


def _same(now: Any, before: Any) -> bool:
    if now is before:
        return True
    is_plain = isinstance(before, (int, float, str, tuple, dict, torch.device))
    return is_plain and bool(now == before)


_TIMERS = [
    getattr(signal, name)
    for name in ("ITIMER_REAL", "ITIMER_VIRTUAL", "ITIMER_PROF")
    if hasattr(signal, name)  # not on Windows
]


@contextmanager
def signals_restored() -> Iterator[None]:
    """Afterwards signals do what they did before: Ctrl-C stops, and no new timer goes off."""
    restore = _remember_signals()
    try:
        yield
    finally:
        restore()


def _remember_signals() -> Callable[[], None]:
    """What sets timers, handlers and the mask of signals as they are now."""
    if threading.current_thread() is not threading.main_thread():
        return lambda: None
    start = time.monotonic()
    timers = [(timer, *signal.getitimer(timer)) for timer in _TIMERS]
    handlers = [(number, signal.getsignal(number)) for number in signal.valid_signals()]
    descriptor = _wakeup_descriptor()
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, []) if _TIMERS else None

    def restore() -> None:
        for timer, left, interval in timers:
            if timer == signal.ITIMER_REAL:  # the others count the process's own time
                left -= time.monotonic() - start if left else 0
            if left > 0 or interval:
                signal.setitimer(timer, max(left, 0.001), interval)
            elif signal.getitimer(timer)[0]:
                signal.setitimer(timer, 0)
        for number, handler in handlers:  # None for one that was not set by Python
            if handler is not None and signal.getsignal(number) is not handler:
                signal.signal(number, handler)
        if _wakeup_descriptor() != descriptor:
            signal.set_wakeup_fd(descriptor)
        if blocked is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)

    return restore


def _wakeup_descriptor() -> int:
    """The file that is written to at each signal. It can be read only by setting it."""
    number = signal.set_wakeup_fd(-1)
    if number != -1:
        signal.set_wakeup_fd(number, warn_on_full_buffer=False)
    return number


@contextmanager
def usual_settings() -> Iterator[None]:
    """PyTorch as it starts, whatever the notebook around has set; afterwards as it was."""
    with restored(), ExitStack() as stack:
        torch.set_default_dtype(torch.float32)
        if torch.get_default_device().type != "cpu":
            stack.enter_context(torch.device("cpu"))
        stack.enter_context(torch.autocast("cpu", enabled=False))
        yield
