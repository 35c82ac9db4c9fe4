"""A first rung for exercises 1 to 5: the lines of a right answer, to be put in order.

`lines` prints them numbered and shuffled, among two from common mistakes; `check_order` builds the
function that some numbers make and answers as `check` does. Whatever order makes a right function
is right.
"""

import ast
import linecache
import operator
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise
from typing import Any

import torch

from ..checks import check_choice
from ..errors import InputError
from .checking import EXERCISES, check
from .feedback import Feedback

STEP = 4  # spaces of one level of indentation
TASK = (
    "The function begins with this line. Put the others in order; leave out the two that are wrong."
)
SEED = 0  # of the order in which lines are printed: the same for everyone


@dataclass(frozen=True, repr=False)
class Puzzle:
    """The lines of a right answer, and what stands in place of two of them.

    Attributes:
        head: the line with `def`, which comes first.
        right: the others, in an order that is right.
        distractors: a wrong line to the name of the mistake that it makes.
    """

    head: str
    right: tuple[str, ...]
    distractors: Mapping[str, str]

    @property
    def printed(self) -> list[str]:
        """All lines as they are numbered, from 1."""
        every = [*self.right, *self.distractors]
        return random.Random(SEED).sample(every, len(every))


def _puzzle(text: str, distractors: Mapping[str, str]) -> Puzzle:
    head, *right = text.strip().splitlines()
    return Puzzle(head, tuple(right), distractors)


PUZZLES: Mapping[str, Puzzle] = {
    "patch_extraction": _puzzle(
        """
def patch_extraction(x, ksize, step):
    zeros = max(ksize - step, 0)
    before = zeros // 2
    after = zeros - before
    padded = F.pad(x, (before, after, before, after))
    windows = padded.unfold(2, ksize, step).unfold(3, ksize, step)
    patches = windows.permute(0, 2, 3, 1, 4, 5).flatten(1, 2)
    return patches
""",
        {
            "    before = (zeros + 1) // 2": "the odd zero before",
            "    patches = windows.reshape(len(x), -1, x.shape[1], ksize, ksize)": (
                "reshaped where axes should move"
            ),
        },
    ),
    "mask_validity": _puzzle(
        """
def mask_validity(mask, ksize):
    n, _, h, w = mask.shape
    half = ksize // 2
    padded = F.pad(mask, (half, half, half, half))
    valid = torch.zeros(n, h, w, dtype=torch.bool)
    for y in range(h):
        for x in range(w):
            cells = padded[:, 0, y : y + ksize, x : x + ksize]
            valid[:, y, x] = (cells == 0).flatten(1).all(dim=1)
    return valid.flatten(1)
""",
        {
            "    padded = F.pad(mask, (half, half, half, half), value=1)": (
                "the border counts as hole"
            ),
            "            valid[:, y, x] = (cells == 0).flatten(1).any(dim=1)": (
                "one known cell is enough"
            ),
        },
    ),
    "matching_scores": _puzzle(
        """
def matching_scores(f, w):
    ksize = w.shape[-1]
    norms = w.square().sum(dim=(2, 3, 4), keepdim=True).sqrt().clamp(min=1e-4)
    keys = (w / norms).flatten(2)  # (n, L, c·k·k)
    queries = F.unfold(f, ksize, padding=ksize // 2)  # (n, c·k·k, h·w)
    scores = keys @ queries  # (n, L, h·w)
    return scores.mT.unflatten(1, f.shape[2:])
""",
        {
            "    norms = w.square().sum(dim=(2, 3, 4), keepdim=True).clamp(min=1e-4)": (
                "square root forgotten"
            ),
            "    return scores.reshape(len(f), *f.shape[2:], -1)": "the table transposed",
        },
    ),
    "fused_softmax": _puzzle(
        """
def fused_softmax(scores, valid, patches, fuse_k, softmax_scale):
    kernel = torch.eye(fuse_k)[None, None]
    grids = scores.unflatten(3, patches)  # (n, h, w, gh, gw)
    for _ in range(2):  # along the rows of both grids, then along their columns
        table = grids.flatten(3).flatten(1, 2)[:, None]
        summed = F.conv2d(table, kernel, padding=fuse_k // 2)
        grids = summed.reshape(grids.shape).permute(0, 2, 1, 4, 3)
    keep = valid[:, None, None].float()
    logits = grids.flatten(3) * keep * softmax_scale
    shares = torch.softmax(logits, dim=3)
    return shares * keep
""",
        {
            "    kernel = torch.ones(1, 1, fuse_k, fuse_k)": "a kernel of ones",
            "    logits = grids.flatten(3) * softmax_scale": "masked after the softmax only",
        },
    ),
    "deconvolution": _puzzle(
        """
def deconvolution(attention, paste):
    h, w = attention.shape[1:3]
    side = paste.shape[-1]
    rate = side // 2
    mixed = attention.flatten(1, 2) @ paste.flatten(2)  # (n, h·w, c·side·side)
    canvas = F.fold(mixed.mT, ((h + 1) * rate, (w + 1) * rate), side, stride=rate)
    start = rate // 2
    picture = canvas[:, :, start : start + h * rate, start : start + w * rate]
    return picture / 4
""",
        {
            "    start = rate": "cropped too far",
            "    return picture / rate**2": "divided by rate²",
        },
    ),
}


def lines(exercise: str) -> None:
    """Print the lines of a right answer, numbered and shuffled, among two that are wrong.

    They come in the same order for everyone. Write their numbers down in the order in which they
    make the function, on paper or in a list, and have `check_order` try it.

    Args:
        exercise: one of exercises 1 to 5, such as `"matching_scores"`.

    Raises:
        InputError: an exercise that does not exist, or that has no such lines.

    >>> cv.exercises.lines("deconvolution")
    The function begins with this line. Put the others in order; leave out the two that are wrong.
           def deconvolution(attention, paste):
     1         picture = canvas[:, :, start : start + h * rate, start : start + w * rate]
     2         return picture / rate**2
     3         h, w = attention.shape[1:3]
     4         rate = side // 2
     5         canvas = F.fold(mixed.mT, ((h + 1) * rate, (w + 1) * rate), side, stride=rate)
     6         mixed = attention.flatten(1, 2) @ paste.flatten(2)  # (n, h·w, c·side·side)
     7         start = rate // 2
     8         side = paste.shape[-1]
     9         start = rate
    10         return picture / 4
    """
    check_choice("exercise", exercise, PUZZLES)
    puzzle = PUZZLES[exercise]
    print(TASK)
    for number, line in enumerate([puzzle.head, *puzzle.printed]):
        print(f"{number or '':>2}     {line}")


def check_order(exercise: str, order: Sequence[int]) -> Feedback:
    """Try the function that the lines printed by `lines` make in this order.

    It is not graded. Every order that makes a right function is right; a line keeps its
    indentation. An order that makes no function gets one sentence, which names the line.

    Args:
        exercise: one of exercises 1 to 5, such as `"matching_scores"`.
        order: the numbers of the lines, from the first to the last.

    Returns:
        what `check` answers to that function; of a wrong line, the hint of its mistake.

    Raises:
        InputError: an exercise without such lines; what is no list of their numbers, each once.

    >>> feedback = cv.exercises.check_order("deconvolution", [3, 8, 4, 5, 6, 7, 1, 10])
    >>> print(*feedback.story)
    Line 5 uses mixed, which no line above it makes.
    >>> cv.exercises.check_order("deconvolution", [3, 8, 4, 6, 5, 7, 1, 2]).mistake
    'divided by rate²'
    """
    check_choice("exercise", exercise, PUZZLES)
    puzzle = PUZZLES[exercise]
    printed = puzzle.printed
    numbers = _numbers(order, len(printed))
    chosen = {number: printed[number - 1] for number in numbers}
    known = {*EXERCISES[exercise].parameters, *_names()}
    if problem := next(_problems(chosen, known), ""):
        return Feedback(exercise, passed=False, story=(problem,))
    feedback = check(exercise, _built(exercise, "\n".join([puzzle.head, *chosen.values()])))
    wrong = [puzzle.distractors[line] for line in chosen.values() if line in puzzle.distractors]
    if feedback.passed or feedback.mistake or not wrong:
        return feedback
    hints = {mistake.name: mistake.hint for mistake in EXERCISES[exercise].mistakes}
    return replace(feedback, mistake=wrong[0], hint=hints[wrong[0]])


def _numbers(order: object, most: int) -> list[int]:
    """The order as integers from 1 to `most`, each once."""
    expected = f"a list of line numbers from 1 to {most}, such as [3, 1, 2]"
    if not isinstance(order, (list, tuple)):
        raise InputError("order", expected, type(order).__name__)
    if not order:
        raise InputError("order", expected, "an empty one")
    numbers: list[int] = []
    for entry in order:
        try:
            number = -1 if isinstance(entry, bool) else operator.index(entry)
        except TypeError:
            number = -1
        if not 1 <= number <= most:
            raise InputError("order", expected, f"one with {entry!r} in it")
        if number in numbers:
            raise InputError("order", "each line once", f"line {number} twice")
        numbers.append(number)
    return numbers


def _problems(chosen: Mapping[int, str], known: set[str]) -> Iterator[str]:
    """Why lines, by their numbers and in their order, make no function; what matters most first.

    Args:
        known: the names that the first line may use.
    """
    for (first, line), (second, other) in combinations(chosen.items(), 2):
        if _does(line) == _does(other):
            does = _does(line)[1]
            yield f"Lines {first} and {second} both {does}: only one of them can be right."
    yield from _wrong_indentation(chosen)
    numbers = list(chosen)
    returns = [number for number, line in chosen.items() if _code(line).startswith("return ")]
    if not returns:
        yield "Nothing is returned: none of your lines begins with return."
    elif returns[0] != numbers[-1]:
        below = numbers[numbers.index(returns[0]) + 1]
        yield f"Line {below} is never reached: the function ends with line {returns[0]} above it."
    yield from _used_too_early(chosen, known)


def _code(line: str) -> str:
    return line.partition("  #")[0].strip()


def _indentation(line: str) -> int:
    return len(line) - len(line.lstrip())


def _begins_a_loop(line: str) -> bool:
    return _code(line).endswith(":")


def _does(line: str) -> tuple[int, str]:
    """How far a line is indented, and what it does: where both are alike, one line is too many."""
    target, makes, _ = _code(line).partition(" = ")
    returns = target.startswith("return ")
    return _indentation(line), "return" if returns else f"make {target}" if makes else target


def _wrong_indentation(chosen: Mapping[int, str]) -> Iterator[str]:
    numbers = list(chosen)
    if _indentation(chosen[numbers[0]]) != STEP:
        yield f"Line {numbers[0]} cannot come first: it is indented as a line within a loop."
    for (above, before), (number, line) in pairwise(chosen.items()):
        indentation, loop = _indentation(line), _begins_a_loop(before)
        most = _indentation(before) + STEP * loop
        if indentation > most or (loop and indentation < most):
            yield (
                f"Line {number} cannot follow line {above}: it is indented by {indentation} "
                f"spaces, and there it would have to be {'' if loop else 'at most '}{most}."
            )
    if _begins_a_loop(chosen[numbers[-1]]):
        yield f"Line {numbers[-1]} begins a loop, and no line follows it."


def _used_too_early(chosen: Mapping[int, str], known: set[str]) -> Iterator[str]:
    """Names that are used in a line and made in none above it."""
    for number, line in chosen.items():
        statement = _code(line) + (" pass" if _begins_a_loop(line) else "")
        names = [node for node in ast.walk(ast.parse(statement)) if isinstance(node, ast.Name)]
        for node in names:
            if isinstance(node.ctx, ast.Load) and node.id not in known:
                yield f"Line {number} uses {node.id}, which no line above it makes."
        known = known | {node.id for node in names}


def _names() -> dict[str, Any]:
    """What a function may use: of Python, and of the notebook's first cell."""
    return {"torch": torch, "F": torch.nn.functional, "len": len, "max": max, "range": range}


def _built(name: str, source: str) -> Callable[..., object]:
    """The function of that name, with its lines where tracebacks look for them."""
    file = f"<your order of {name}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    names = _names()
    exec(compile(source, file, "exec"), names)
    function: Callable[..., object] = names[name]
    return function
