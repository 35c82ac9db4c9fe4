"""Right answers to the exercises as text, and what students write instead of one piece of them.

Each rewriting breaks one rule of a task's text. Where it is a mistake that the exercise knows, it
stands under that mistake's name; "" where it only has to be refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

RIGHT = {
    "patch_extraction": """
def patch_extraction(x, ksize, step):
    zeros = max(ksize - step, 0)
    before = zeros // 2
    after = zeros - before
    padded = F.pad(x, (before, after, before, after))
    windows = padded.unfold(2, ksize, step).unfold(3, ksize, step)
    return windows.permute(0, 2, 3, 1, 4, 5).flatten(1, 2)
""",
    "mask_validity": """
def mask_validity(mask, ksize):
    before = after = ksize // 2
    padded = F.pad(mask, (before, after, before, after))
    n, _, h, w = mask.shape
    valid = torch.zeros(n, h, w, dtype=torch.bool)
    for sample in range(n):
        for y in range(h):
            for x in range(w):
                cells = padded[sample, 0, y : y + ksize, x : x + ksize]
                valid[sample, y, x] = (cells == 0).all()
    return valid.flatten(1)
""",
    "matching_scores": """
def matching_scores(f, w):
    n, c, height, width = f.shape
    k = w.shape[-1]
    half = k // 2
    padded = F.pad(f, (half, half, half, half))
    p = padded.unfold(2, k, 1).unfold(3, k, 1).permute(0, 2, 3, 1, 4, 5)
    norm = w.square().sum((2, 3, 4), keepdim=True).sqrt().clamp(min=1e-4)
    unit = w / norm
    scores = torch.einsum("nhwcij,nlcij->nhwl", p, unit)
    return scores
""",
    "fused_softmax": """
def fused_softmax(scores, valid, patches, fuse_k, softmax_scale):
    n, h, w, L = scores.shape
    half = fuse_k // 2
    gh, gw = patches

    def one_pass(table):
        kernel = torch.eye(fuse_k)
        return F.conv2d(table[:, None], kernel[None, None], padding=half)[:, 0]

    first = one_pass(scores.reshape(n, h * w, L))
    turned = first.reshape(n, h, w, gh, gw).permute(0, 2, 1, 4, 3).reshape(n, w * h, gw * gh)
    second = one_pass(turned)
    fused = second.reshape(n, w, h, gw, gh).permute(0, 2, 1, 4, 3).reshape(n, h, w, L)
    keep = valid[:, None, None, :].float()
    logits = fused * keep * softmax_scale
    shares = torch.softmax(logits, dim=-1)
    return shares * keep
""",
    "deconvolution": """
def deconvolution(attention, paste):
    n, h, w, L = attention.shape
    c, side = paste.shape[2], paste.shape[-1]
    rate = side // 2
    mixed = torch.einsum("nhwl,nlcij->nhwcij", attention, paste)
    columns = mixed.reshape(n, h * w, c * side * side).transpose(1, 2)
    canvas = F.fold(columns, ((h + 1) * rate, (w + 1) * rate), side, stride=rate)
    start = rate // 2
    picture = canvas[:, :, start : start + h * rate, start : start + w * rate]
    return picture / 4
""",
}

LAYER = """
def shrunk(x, rate):
    for axis in (2, 3):
        size = x.shape[axis]
        out = size // rate
        kept = []
        for i in range(out):
            place = i * (size - 1) / max(out - 1, 1)
            kept.append(math.floor(place + 0.5))
        x = x.index_select(axis, torch.tensor(kept))
    return x

def whole_layer(f, b, mask, ksize, rate, fuse_k, softmax_scale):
    small_f = shrunk(f, rate)
    small_b = shrunk(b, rate)
    small_mask = shrunk(mask, rate)
    keys = patch_extraction(small_b, ksize, 1)
    pieces = patch_extraction(b, 2 * rate, rate)
    valid = mask_validity(small_mask, ksize)
    scores = matching_scores(small_f, keys)
    grid = small_b.shape[2:]
    attention = fused_softmax(scores, valid, tuple(grid), fuse_k, softmax_scale)
    return deconvolution(attention, pieces)
"""

RIGHT["whole_layer"] = "".join(RIGHT.values()) + LAYER


@dataclass(frozen=True)
class Rewriting:
    """One piece of a right answer written otherwise.

    Attributes:
        exercise: whose answer.
        mistake: what the exercise calls it; empty where it only has to be refused.
        old, new: the piece, and what stands there instead.
    """

    exercise: str
    mistake: str
    old: str
    new: str

    def __str__(self) -> str:
        new, old = (re.sub(r"\s+", " ", piece)[:60] for piece in (self.new, self.old))
        return f"{self.exercise}: {new or 'nothing'} for {old}"

    @property
    def source(self) -> str:
        """The answer with the piece exchanged."""
        right = LAYER if self.exercise == "whole_layer" else RIGHT[self.exercise]
        if self.exercise == "whole_layer" and self.old not in LAYER:
            right = RIGHT["whole_layer"]
        assert right.count(self.old) == 1, (self.exercise, self.old, right.count(self.old))
        return RIGHT[self.exercise].replace(right, right.replace(self.old, self.new))

    @property
    def function(self) -> Callable[..., Tensor]:
        """It as a function."""
        return written(self.exercise, self.source)

    @property
    def in_the_layer(self) -> Callable[..., Tensor]:
        """The whole layer, with this piece of an earlier exercise written otherwise."""
        right = RIGHT[self.exercise]
        return written("whole_layer", RIGHT["whole_layer"].replace(right, self.source))


def written(exercise: str, source: str) -> Callable[..., Tensor]:
    """The function of that name in some source."""
    names = {"torch": torch, "F": F, "math": math}
    exec(compile(source, f"<{exercise}>", "exec"), names)
    return names[exercise]


PAD = "F.pad(x, (before, after, before, after))"
FREE = "(cells == 0).all()"
AROUND = "F.pad(mask, (before, after, before, after))"
AROUND_F = "F.pad(f, (half, half, half, half))"
NORM = "w.square().sum((2, 3, 4), keepdim=True).sqrt().clamp(min=1e-4)"
UNIT = "    unit = w / norm\n"
SCORES = "    return scores\n"
KERNEL = "torch.eye(fuse_k)"
CONVOLVED = "return F.conv2d(table[:, None], kernel[None, None], padding=half)[:, 0]"
FIRST = "one_pass(scores.reshape(n, h * w, L))"
TURN = "first.reshape(n, h, w, gh, gw).permute(0, 2, 1, 4, 3).reshape(n, w * h, gw * gh)"
BACK = "second.reshape(n, w, h, gw, gh).permute(0, 2, 1, 4, 3).reshape(n, h, w, L)"
LOGITS = "fused * keep * softmax_scale"
SHARES = "torch.softmax(logits, dim=-1)"
CANVAS = "F.fold(columns, ((h + 1) * rate, (w + 1) * rate), side, stride=rate)"
PICTURE = "canvas[:, :, start : start + h * rate, start : start + w * rate]"
RETURNED = "return picture / 4"
PLACE = "i * (size - 1) / max(out - 1, 1)"
KEPT = "math.floor(place + 0.5)"

MAPS = """fused = scores.reshape(n * h * w, 1, gh, gw)
    fused = F.conv2d(fused, {kernel}, padding=half).reshape(scores.shape)"""
ALONG = """out = torch.zeros_like(table)
        for d in {reach}:
            p = torch.arange(table.shape[1])[:, None] + d
            q = torch.arange(table.shape[2])[None] + d
            inside = (p >= 0) & (p < table.shape[1]) & (q >= 0) & (q < table.shape[2])
            out += torch.where(inside, table[:, p * inside, q * inside], 0)
        return out"""

WITHIN_ROWS = """fused = scores.reshape(n, h, w, gh, gw)
    for axis in (2, 1):
        total = torch.zeros_like(fused)
        for d in range(-half, half + 1):
            for i in range(max(0, -d), min(fused.shape[axis], fused.shape[axis] - d)):
                for j in range(max(0, -d), min(fused.shape[axis + 2], fused.shape[axis + 2] - d)):
                    there = fused.select(axis, i + d).select(axis + 1, j + d)
                    total.select(axis, i).select(axis + 1, j).add_(there)
        fused = total
    fused = fused.reshape(n, h, w, L)"""

CUT = "windows.permute(0, 2, 3, 1, 4, 5).flatten(1, 2)"
AS_PATCHES = ".reshape(len(x), -1, x.shape[1], ksize, ksize)"
LOOPED_CUT = """patches = []
    for y in range(0, x.shape[2], step):
        for z in range(0, x.shape[3], step):
            piece = padded[:, :, y : y + ksize, z : z + ksize]
            patches.append(piece)
    return """
LOOPED_FREE = "cells = padded[sample, 0, y : y + ksize, x : x + ksize]"
REACHING = """r = ksize // 2
                cells = torch.tensor([
                    mask[sample, 0, y + i, x + j] for i in {rows} for j in {columns}
                    if 0 <= y + i < h and 0 <= x + j < w
                ])"""
SUMMED = """    scores = torch.zeros(n, height, width, w.shape[1])
    for i in {reach}:
        for j in {reach}:
            scores += torch.einsum("nhwc,nlc->nhwl", p[..., i + half, j + half],
                                   unit[..., i + half, j + half])
"""
LAID = """canvas = torch.zeros(n, c, (h + 1) * rate, (w + 1) * rate)
    for y in range(h):
        for x in range(w):
            canvas[:, :, y * rate : y * rate + side, x * rate : x * rate + side] += mixed[:, y, x]
"""

# exercise: (mistake, old, new)
TABLE: dict[str, list[tuple[str, str, str]]] = {
    "patch_extraction": [
        ("fewer zeros than none", "max(ksize - step, 0)", "ksize - step"),
        ("", "max(ksize - step, 0)", "abs(ksize - step)"),
        ("", "max(ksize - step, 0)", "max(ksize - step, 1)"),
        ("as many zeros as for step 1", "max(ksize - step, 0)", "ksize - 1"),
        ("the odd zero before", "before = zeros // 2", "before = (zeros + 1) // 2"),
        ("all zeros after", "before = zeros // 2", "before = 0"),
        ("all zeros before", "before = zeros // 2", "before = zeros"),
        ("ksize // 2 zeros on each side", PAD, "F.pad(x, [ksize // 2] * 4)"),
        ("ksize // 2 zeros on each side", PAD, "F.pad(x, [(ksize - 1) // 2] * 4)"),
        ("ksize − step zeros on each side", PAD, "F.pad(x, [zeros] * 4)"),
        ("one zero on each side", PAD, "F.pad(x, [1] * 4)"),
        ("no padding", PAD, "x"),
        ("border repeated", PAD, PAD[:-1] + ", mode='replicate')"),
        ("border mirrored", PAD, PAD[:-1] + ", mode='reflect')"),
        ("round the corner", PAD, PAD[:-1] + ", mode='circular')"),
        ("", PAD, PAD[:-1] + ", value=1.0)"),
        ("", PAD, PAD[:-1] + ", value=float(x.mean()))"),
        ("", PAD, "F.pad(x, (before, after, after, before))"),
        (
            "one patch at every pixel",
            ".unfold(2, ksize, step).unfold(3, ksize, step)",
            ".unfold(2, ksize, 1).unfold(3, ksize, 1)",
        ),
        ("step along one axis only", ".unfold(2, ksize, step)", ".unfold(2, ksize, 1)"),
        ("step along one axis only", ".unfold(3, ksize, step)", ".unfold(3, ksize, 1)"),
        (
            "as far apart as they are wide",
            ".unfold(2, ksize, step).unfold(3, ksize, step)",
            ".unfold(2, ksize, ksize).unfold(3, ksize, ksize)",
        ),
        ("3×3 whatever ksize", "    zeros = max", "    ksize = 3\n    zeros = max"),
        ("", "    zeros = max", "    step = min(step, 2)\n    zeros = max"),
        ("patch rows and columns swapped", "1, 4, 5)", "1, 5, 4)"),
        ("patches numbered column by column", "permute(0, 2, 3,", "permute(0, 3, 2,"),
        ("channels reversed", "windows.permute", "windows.flip(1).permute"),
        (
            "reshaped where axes should move",
            "windows.permute(0, 2, 3, 1, 4, 5).flatten(1, 2)",
            "windows.reshape(len(x), -1, x.shape[1], ksize, ksize)",
        ),
        (
            "reshaped where axes should move",
            "windows.permute(0, 2, 3, 1, 4, 5).flatten(1, 2)",
            "F.unfold(padded, ksize, stride=step).reshape(len(x), -1, x.shape[1], ksize, ksize)",
        ),
        (
            "left as unfold makes it",
            "windows.permute(0, 2, 3, 1, 4, 5).flatten(1, 2)",
            "F.unfold(padded, ksize, stride=step)",
        ),
        (
            "channels read as if they ran fastest",
            "windows.permute(0, 2, 3, 1, 4, 5).flatten(1, 2)",
            "F.unfold(padded, ksize, stride=step).mT"
            ".reshape(len(x), -1, ksize, ksize, x.shape[1]).permute(0, 1, 4, 2, 3)",
        ),
        (
            "counted from the end",
            PAD,
            "F.pad(torch.cat([x[..., x.shape[3] - before :], x], 3), (0, after, before, after))\n"
            "    padded[:, :, :before] = padded[:, :, x.shape[2] : x.shape[2] + before]",
        ),
        ("", "windows.permute", "windows[:1].expand_as(windows).permute"),
        ("", "windows.permute", "windows.abs().permute"),
        *(
            (
                "reshaped where axes should move",
                "return " + CUT,
                f"return windows.permute({order}){AS_PATCHES}",
            )
            for order in ("0, 2, 3, 4, 5, 1", "0, 4, 5, 2, 3, 1", "2, 3, 0, 1, 4, 5")
        ),
        (
            "reshaped where axes should move",
            "return " + CUT,
            LOOPED_CUT + f"torch.stack(patches, -1){AS_PATCHES}",
        ),
        (
            "reshaped where axes should move",
            "return " + CUT,
            LOOPED_CUT + f"torch.stack([p.permute(1, 2, 3, 0) for p in patches]){AS_PATCHES}",
        ),
        (
            "numbered by the height",
            "return " + CUT,
            f"right = {CUT}\n    out = torch.zeros_like(right)\n"
            "    for i in range(x.shape[2] // step):\n"
            "        for j in range(x.shape[3] // step):\n"
            "            at = i * (x.shape[3] // step) + j\n"
            "            out[:, i * (x.shape[2] // step) + j] = right[:, at]\n"
            "    return out",
        ),
        *(
            (
                "pushed inside",
                "return " + CUT,
                "out = []\n"
                "    for y in range(-before, x.shape[2] - before, step):\n"
                "        for z in range(-before, x.shape[3] - before, step):\n"
                f"            {start}\n"
                "            patch = torch.zeros(*x.shape[:2], ksize, ksize)\n"
                "            patch[:, :, : piece.shape[2], : piece.shape[3]] = piece\n"
                "            out.append(patch)\n"
                "    return torch.stack(out, 1)",
            )
            for start in (
                "piece = x[:, :, max(y, 0) : y + ksize, max(z, 0) : z + ksize]",
                "piece = x[:, :, max(y, 0) : max(y, 0) + ksize, max(z, 0) : max(z, 0) + ksize]",
            )
        ),
        *(
            (
                "as many zeros before whatever step",
                "return " + CUT,
                f"windows = F.pad(x, [{zeros}] * 4).unfold(2, ksize, step).unfold(3, ksize, step)\n"
                "    windows = windows[:, :, : x.shape[2] // step, : x.shape[3] // step]\n"
                f"    return {CUT}",
            )
            for zeros in ("ksize // 2", "1")
        ),
    ],
    "mask_validity": [
        ("", "return valid.flatten(1)", "return valid.flatten(1).float()"),
        ("", "return valid.flatten(1)", "return valid.flatten(1).to(torch.uint8)"),
        ("", "return valid.flatten(1)", "return valid.flatten(1).long()"),
        ("inverted", FREE, "(cells != 0).any()"),
        ("1 taken for known", FREE, "(cells == 1).all()"),
        ("1 taken for known", AROUND, "F.pad(1 - mask, (before, after, before, after))"),
        ("only the middle cell counts", FREE, "mask[sample, 0, y, x] == 0"),
        ("one known cell is enough", FREE, "(cells == 0).any()"),
        ("half known is enough", FREE, "cells.mean() < 0.5"),
        ("one hole cell is forgiven", FREE, "cells.sum() <= 1"),
        ("a few hole cells are forgiven", FREE, "cells.mean() <= 0.2"),
        ("", FREE, "(cells[0] == 0).all()"),
        ("", FREE, "(cells[[0, 0, -1, -1], [0, -1, 0, -1]] == 0).all()"),
        (
            "a plus instead of a square",
            FREE,
            "(cells[ksize // 2] == 0).all() & (cells[:, ksize // 2] == 0).all()",
        ),
        ("3×3 whatever ksize", "    before = after", "    ksize = 3\n    before = after"),
        ("", "    before = after", "    ksize = min(ksize, 3)\n    before = after"),
        (
            "the hole grows too far",
            "    before = after",
            "    ksize = 2 * ksize + 1\n    before = after",
        ),
        ("the border counts as hole", AROUND, AROUND[:-1] + ", value=1)"),
        ("round the corner", AROUND, AROUND[:-1] + ", mode='circular')"),
        ("all zeros after", "before = after = ksize // 2", "before, after = 0, ksize - 1"),
        ("all zeros before", "before = after = ksize // 2", "before, after = ksize - 1, 0"),
        (
            "empty slices",
            "padded[sample, 0, y : y + ksize, x : x + ksize]",
            "mask[sample, 0, y - before : y + after + 1, x - before : x + after + 1]",
        ),
        (
            "counted from the end",
            "padded[sample, 0, y : y + ksize, x : x + ksize]",
            "torch.stack([mask[sample, 0, y + i, x + j] for i in range(-before, after + 1) for j in"
            " range(-before, after + 1) if y + i < h and x + j < w])",
        ),
        (
            "no padding",
            "    return valid.flatten(1)",
            "    return valid[:, before : h - after, before : w - after].flatten(1)",
        ),
        (
            "one zero on each side",
            "    return valid.flatten(1)",
            "    near = F.pad(mask, [1] * 4).unfold(2, ksize, 1).unfold(3, ksize, 1)\n"
            "    return (near == 0).all(-1).all(-1).flatten(1)",
        ),
        ("the first mask for all", "padded[sample, 0, y", "padded[0, 0, y"),
        ("a hole in any sample counts for all", "padded[sample, 0, y", "padded.amax(0)[0, y"),
        ("", "padded[sample, 0, y", "padded[-1, 0, y"),
        ("patches numbered column by column", "valid.flatten(1)", "valid.mT.flatten(1)"),
        ("a few hole cells are forgiven", FREE, "cells.mean() < 0.1"),
        *(
            (name, LOOPED_FREE, REACHING.format(rows=rows, columns=columns))
            for name, rows, columns in (
                ("the last row or column left out", "range(-r, r)", "range(-r, r)"),
                ("the last row or column left out", "range(-r, r + 1)", "range(-r, r)"),
                ("the last row or column left out", "range(1 - r, r + 1)", "range(1 - r, r + 1)"),
                ("one row or column too many", *["range(-ksize // 2, ksize // 2 + 1)"] * 2),
                ("one row or column too many", "range(-r, r + 2)", "range(-r, r + 1)"),
                ("not around the cell", *["range(-ksize // 2, ksize // 2)"] * 2),
                ("one cell too far all around", *["range(-r - 1, r + 2)"] * 2),
            )
        ),
        *(
            (
                "the hole grows while it is read",
                "    return valid.flatten(1)",
                "    grown = mask.clone()\n"
                "    for y in range(h):\n        for x in range(w):\n"
                "            rows = slice(max(y - before, 0), y + before + 1)\n"
                "            columns = slice(max(x - before, 0), x + before + 1)\n"
                "            for sample in range(n):\n"
                f"                {grow}\n"
                "    return (grown == 0).flatten(1)",
            )
            for grow in (
                "grown[sample, :, y, x] = grown[sample, :, rows, columns].max()",
                "grown[sample, :, rows, columns] += float(grown[sample, 0, y, x])",
            )
        ),
        *(
            (
                "pushed inside",
                LOOPED_FREE,
                f"top, left = {start}\n"
                "                cells = mask[sample, 0, top : top + ksize, left : left + ksize]",
            )
            for start in (
                "max(y - before, 0), max(x - before, 0)",
                "min(max(y - before, 0), max(h - ksize, 0)), "
                "min(max(x - before, 0), max(w - ksize, 0))",
            )
        ),
        (
            "numbered by the height",
            "    return valid.flatten(1)",
            "    out = torch.zeros(n, h * w, dtype=torch.bool)\n"
            "    for y in range(h):\n        for x in range(w):\n"
            "            out[:, y * h + x] = valid[:, y, x]\n"
            "    return out",
        ),
    ],
    "matching_scores": [
        ("a smaller floor", ".clamp(min=1e-4)", ".clamp(min=1e-12)"),
        ("a smaller floor", ".clamp(min=1e-4)", ".clamp(min=1e-8)"),
        ("a smaller floor", ".clamp(min=1e-4)", ".clamp(min=1e-5)"),
        ("a smaller floor", ".clamp(min=1e-4)", "\n    norm[norm == 0] = 1"),
        ("a smaller floor", UNIT, "    unit = F.normalize(w.flatten(2), dim=2).reshape(w.shape)\n"),
        (
            "a smaller floor",
            UNIT,
            "    unit = torch.nan_to_num(w / w.square().sum((2, 3, 4), keepdim=True).sqrt())\n",
        ),
        ("", ".clamp(min=1e-4)", ".clamp(min=5e-5)"),
        ("another floor", ".clamp(min=1e-4)", ".clamp(min=1e-3)"),
        ("the floor under the root", ".clamp(min=1e-4)", ".clamp(min=1e-2)"),
        ("the floor under the root", ".sqrt().clamp(min=1e-4)", ".clamp(min=1e-4).sqrt()"),
        ("the floor under the root", ".sqrt().clamp(min=1e-4)", ".add(1e-8).sqrt()"),
        ("the floor under the root", ".sqrt().clamp(min=1e-4)", ".add(1e-4).sqrt()"),
        ("the floor added", ".clamp(min=1e-4)", " + 1e-4"),
        ("no floor under the norm", ".clamp(min=1e-4)", ""),
        ("an epsilon for each element", NORM, "(w * w + 1e-4).sum((2, 3, 4), keepdim=True).sqrt()"),
        ("no norm", UNIT, "    unit = w\n"),
        ("square root forgotten", ".sqrt()", ""),
        (
            "a sum of absolute values",
            "w.square().sum((2, 3, 4), keepdim=True).sqrt()",
            "w.abs().sum((2, 3, 4), keepdim=True)",
        ),
        (
            "a norm from the mean square",
            ".sum((2, 3, 4), keepdim=True)",
            ".mean((2, 3, 4), keepdim=True)",
        ),
        ("a norm for each channel", "(2, 3, 4), keepdim", "(3, 4), keepdim"),
        ("a norm for every cell of the patch", "(2, 3, 4), keepdim", "2, keepdim"),
        ("one norm for all patches", "(2, 3, 4), keepdim", "(1, 2, 3, 4), keepdim"),
        ("a norm across the patches", "(2, 3, 4), keepdim", "1, keepdim"),
        ("", "(2, 3, 4), keepdim", "(0, 2, 3, 4), keepdim"),
        ("divided by the largest norm", UNIT, "    unit = w / norm.amax(1, keepdim=True)\n"),
        (
            "the paper's cosine",
            SCORES,
            "    size = p.square().sum((3, 4, 5)).sqrt().clamp(min=1e-4)\n"
            "    return scores / size[..., None]\n",
        ),
        (
            "the wrong patch's norm",
            UNIT,
            "    unit = w\n"
            "    p = p / p.square().sum((3, 4, 5), keepdim=True).sqrt().clamp(min=1e-4)\n",
        ),
        (
            "every cell brought to length 1",
            AROUND_F,
            "F.pad(F.normalize(f, dim=1), (half, half, half, half))",
        ),
        ("a mean instead of a sum", SCORES, "    return scores / (c * k * k)\n"),
        (
            "the table transposed",
            SCORES,
            "    return scores.flatten(1, 2).mT.reshape(scores.shape)\n",
        ),
        (
            "queries numbered column by column",
            SCORES,
            "    return scores.transpose(1, 2).reshape(scores.shape)\n",
        ),
        (
            "a distance instead of a product",
            SCORES,
            "    return ((p[:, :, :, None] - w[:, None, None]) ** 2).sum((4, 5, 6))\n",
        ),
        (
            "the middle cells only",
            SCORES,
            "    return torch.einsum('nchw,nlc->nhwl', f, unit[..., half, half])\n",
        ),
        ("border repeated", AROUND_F, AROUND_F[:-1] + ", mode='replicate')"),
        ("border mirrored", AROUND_F, AROUND_F[:-1] + ", mode='reflect')"),
        ("round the corner", AROUND_F, AROUND_F[:-1] + ", mode='circular')"),
        ("all zeros after", AROUND_F, "F.pad(f, (0, k - 1, 0, k - 1))"),
        ("all zeros before", AROUND_F, "F.pad(f, (k - 1, 0, k - 1, 0))"),
        ("one zero on each side", AROUND_F, "F.pad(f, (1, 1, 1, 1))"),
        ("no padding", AROUND_F, "f"),
        ("the patches upside down", UNIT, "    unit = (w / norm).flip(3, 4)\n"),
        ("the patches on their side", UNIT, "    unit = (w / norm).mT\n"),
        ("", UNIT, "    unit = (w / norm).flip(2)\n"),
        ("", UNIT, "    unit = (w / norm).abs()\n"),
        ("", SCORES, "    return scores.relu()\n"),
        ("the first sample's patches for all", UNIT, "    unit = (w / norm)[:1].expand_as(w)\n"),
        ("", UNIT, "    unit = (w / norm).mean(0, keepdim=True).expand_as(w)\n"),
        *(
            (name, SCORES, SUMMED.format(reach=reach) + SCORES)
            for name, reach in (
                ("the last row or column left out", "range(-half, half)"),
                ("the last row or column left out", "range(1 - half, half + 1)"),
            )
        ),
        (
            "one row or column too many",
            SCORES,
            "    scores = torch.zeros(n, height, width, w.shape[1])\n"
            "    for i in range(-k // 2, k // 2 + 1):\n"
            "        for j in range(-k // 2, k // 2 + 1):\n"
            "            for y in range(height):\n                for x in range(width):\n"
            "                    cell = padded[:, :, y + i + half, x + j + half]\n"
            "                    products = cell[:, None] * unit[..., i + half, j + half]\n"
            "                    scores[:, y, x] += products.sum(2)\n" + SCORES,
        ),
        *(
            (
                "pushed inside",
                SCORES,
                "    scores = torch.zeros(n, height, width, w.shape[1])\n"
                "    for y in range(height):\n        for x in range(width):\n"
                "            top, left = max(y - half, 0), max(x - half, 0)\n"
                f"            piece = f[:, :, top : {bottom}, left : {right}]\n"
                "            part = unit[..., : piece.shape[2], : piece.shape[3]]\n"
                "            scores[:, y, x] = torch.einsum('ncij,nlcij->nl', piece, part)\n"
                + SCORES,
            )
            for bottom, right in (("top + k", "left + k"), ("y + half + 1", "x + half + 1"))
        ),
        *(
            (
                "scrambled before the product",
                "    scores = torch",
                f"    p = {queries}.reshape(n, height, width, c, k, k)\n    scores = torch",
            )
            for queries in ("p.permute(0, 1, 2, 4, 5, 3)", "F.unfold(padded, k)")
        ),
        (
            "height and width exchanged",
            SCORES,
            "    return scores.reshape(n, width, height, w.shape[1]).transpose(1, 2)\n",
        ),
    ],
    "fused_softmax": [
        ("no fusion", BACK, "scores"),
        ("the first pass only", BACK, "first.reshape(n, h, w, L)"),
        ("the second pass only", FIRST, "scores.reshape(n, h * w, L)"),
        ("twice row by row", BACK, "one_pass(first).reshape(n, h, w, L)"),
        (
            "only the queries turned",
            TURN,
            "first.reshape(n, h, w, L).transpose(1, 2).reshape(n, w * h, L)\n"
            "    BACK = lambda x: x.reshape(n, w, h, L).transpose(1, 2)\n"
            "    keep = valid[:, None, None]\n"
            "    return torch.softmax(BACK(one_pass(turned)) * keep * softmax_scale, -1) * keep",
        ),
        (
            "only the patches turned",
            TURN,
            "first.reshape(n, h * w, gh, gw).mT.reshape(n, h * w, L)\n"
            "    BACK = lambda x: x.reshape(n, h * w, gw, gh).mT.reshape(n, h, w, L)\n"
            "    keep = valid[:, None, None]\n"
            "    return torch.softmax(BACK(one_pass(turned)) * keep * softmax_scale, -1) * keep",
        ),
        ("not turned back", BACK, "second.reshape(n, h, w, L)"),
        ("a kernel of ones", KERNEL, "torch.ones(fuse_k, fuse_k)"),
        ("the table blurred", KERNEL, "torch.ones(fuse_k, fuse_k) / fuse_k**2"),
        ("means instead of sums", KERNEL, "torch.eye(fuse_k) / fuse_k"),
        ("the diagonal the wrong way", KERNEL, "torch.eye(fuse_k).flip(0)"),
        (
            "the patch stands still",
            KERNEL,
            "torch.zeros(fuse_k, fuse_k)\n        kernel[:, half] = 1",
        ),
        ("the query stands still", KERNEL, "torch.zeros(fuse_k, fuse_k)\n        kernel[half] = 1"),
        (
            "three places whatever fuse_k",
            "    half = fuse_k // 2",
            "    fuse_k = 3\n    half = fuse_k // 2",
        ),
        ("", "    half = fuse_k // 2", "    fuse_k = min(fuse_k, 3)\n    half = fuse_k // 2"),
        (
            "round the corner",
            CONVOLVED,
            "return sum(table.roll((d, d), (1, 2)) for d in range(-half, half + 1))",
        ),
        ("one side of the diagonal", CONVOLVED, ALONG.format(reach="range(fuse_k)")),
        ("the last place left out", CONVOLVED, ALONG.format(reach="range(-half, half)")),
        ("fuse_k to each side", CONVOLVED, ALONG.format(reach="range(-fuse_k, fuse_k + 1)")),
        (
            "without itself",
            CONVOLVED,
            ALONG.format(reach="[d for d in range(-half, half + 1) if d != 0]"),
        ),
        (
            "the largest instead of the sum",
            CONVOLVED,
            ALONG.format(reach="range(-half, half + 1)").replace(
                "out += torch.where(inside, table[:, p * inside, q * inside], 0)",
                "moved = torch.where(inside, table[:, p * inside, q * inside], 0)\n"
                "            out = moved if d == -half else torch.maximum(out, moved)",
            ),
        ),
        (
            "each map blurred",
            "fused = " + BACK,
            MAPS.format(kernel="torch.ones(1, 1, fuse_k, fuse_k)"),
        ),
        (
            "each map blurred",
            "fused = " + BACK,
            MAPS.format(kernel="torch.ones(1, 1, fuse_k, fuse_k) / fuse_k**2"),
        ),
        (
            "the diagonal of each map",
            "fused = " + BACK,
            MAPS.format(kernel="torch.eye(fuse_k)[None, None]"),
        ),
        (
            "columns first",
            "    first = " + FIRST + "\n    turned = " + TURN,
            "    first = scores.reshape(n, h, w, gh, gw).permute(0, 2, 1, 4, 3)"
            ".reshape(n, w * h, L)\n"
            "    first = one_pass(first).reshape(n, w, h, gw, gh).permute(0, 2, 1, 4, 3)"
            ".reshape(n, h * w, L)\n"
            "    second = one_pass(first)\n"
            "    keep = valid[:, None, None, :].float()\n"
            "    fused = second.reshape(n, h, w, L)\n"
            "    return torch.softmax(fused * keep * softmax_scale, -1) * keep\n    turned = first",
        ),
        (
            "the passes side by side",
            BACK,
            "first.reshape(n, h, w, L) + one_pass(scores.reshape(n, h, w, gh, gw)"
            ".permute(0, 2, 1, 4, 3).reshape(n, w * h, L)).reshape(n, w, h, gw, gh)"
            ".permute(0, 2, 1, 4, 3).reshape(n, h, w, L)",
        ),
        ("stops at the end of a row", "fused = " + BACK, WITHIN_ROWS),
        ("the scale forgotten", LOGITS, "fused * keep"),
        ("divided by the scale", LOGITS, "fused * keep / softmax_scale"),
        ("", LOGITS, "fused * keep * 10"),
        ("no mask", "valid[:, None, None, :].float()", "torch.ones(n, 1, 1, L)"),
        ("mask inverted", "valid[:, None, None, :].float()", "(~valid)[:, None, None, :].float()"),
        ("masked after the softmax only", LOGITS, "fused * softmax_scale"),
        ("masked before the softmax only", "return shares * keep", "return shares"),
        ("minus infinity", LOGITS, "(fused * softmax_scale).masked_fill(keep == 0, float('-inf'))"),
        ("minus infinity", LOGITS, "(fused * softmax_scale).masked_fill(keep == 0, -1e9)"),
        (
            "minus infinity",
            "return shares * keep",
            "shares = shares * keep\n    return shares / (shares.sum(-1, keepdim=True) + 1e-8)",
        ),
        (
            "masked before the fusion as well",
            FIRST,
            "one_pass((scores * valid[:, None, None, :]).reshape(n, h * w, L))",
        ),
        (
            "the first sample's valid for all",
            "valid[:, None, None, :].float()",
            "valid[:1, None, None, :].float()",
        ),
        (
            "invalid in one sample, invalid in all",
            "valid[:, None, None, :].float()",
            "valid.all(0)[None, None, None, :].float()",
        ),
        (
            "softmax over the queries",
            SHARES,
            "logits.flatten(1, 2).softmax(1).reshape(scores.shape)",
        ),
        ("softmax over one axis of the queries", SHARES, "torch.softmax(logits, dim=1)"),
        ("softmax over one axis of the queries", SHARES, "torch.softmax(logits, dim=2)"),
        ("softmax over the samples", SHARES, "torch.softmax(logits, dim=0)"),
        ("softmax over everything", SHARES, "logits.flatten(1).softmax(1).reshape(scores.shape)"),
        ("no softmax", SHARES, "logits"),
        ("exponentials not divided", SHARES, "logits.exp()"),
        (
            "exponentials that overflow",
            SHARES,
            "logits.exp() / logits.exp().sum(-1, keepdim=True)",
        ),
        ("the logarithm of the shares", SHARES, "torch.log_softmax(logits, -1)"),
        ("the best match only", SHARES, "F.one_hot(logits.argmax(-1), L).float()"),
        (
            "scaled after the softmax",
            SHARES,
            "torch.softmax(logits / softmax_scale, -1) * softmax_scale",
        ),
        ("", SHARES, "torch.sigmoid(logits)"),
        ("", SHARES, "torch.softmax(logits, -1) / 2"),
        *(
            (name, CONVOLVED, ALONG.format(reach=reach))
            for name, reach in (
                ("the last place left out", "range(1 - half, half + 1)"),
                ("one place too many", "range(-fuse_k // 2, fuse_k // 2 + 1)"),
                ("one place too many", "range(-half, half + 2)"),
                ("not around the score", "range(-fuse_k // 2, fuse_k // 2)"),
                ("one place too far on each side", "range(-half - 1, half + 2)"),
            )
        ),
        *(
            (
                name,
                BACK,
                f"second.reshape(n, {sides}).permute({order}).reshape(n, h, w, L)",
            )
            for name, sides, order in (
                ("turned back otherwise", "w, h, gw, gh", "0, 2, 1, 3, 4"),
                ("queries not turned back", "w, h, gw, gh", "0, 1, 2, 4, 3"),
                ("turned back otherwise", "h, w, gh, gw", "0, 2, 1, 4, 3"),
            )
        ),
        ("turned back otherwise", TURN, "first.reshape(n, w * h, gw * gh)"),
        ("height and width exchanged", "gh, gw = patches", "gw, gh = patches"),
        *(
            (
                "added into what is read",
                CONVOLVED,
                "out = table.clone()\n"
                f"        for {first}:\n            for {second}:\n"
                "                for q in range(L):\n"
                "                    if d and 0 <= p + d < h * w and 0 <= q + d < L:\n"
                "                        out[:, p, q] += out[:, p + d, q + d]\n"
                "        return out",
            )
            for first, second in (
                ("p in range(h * w)", "d in range(-half, half + 1)"),
                ("d in range(-half, half + 1)", "p in range(h * w)"),
            )
        ),
    ],
    "deconvolution": [
        ("not divided", RETURNED, "return picture"),
        (
            "divided by the true cover",
            RETURNED,
            "size = ((h + 1) * rate, (w + 1) * rate)\n"
            "    cover = F.fold(torch.ones(1, side * side, h * w), size, side, stride=rate)\n"
            "    return picture / cover[:, :, start : start + h * rate, start : start + w * rate]",
        ),
        ("divided by rate²", RETURNED, "return picture / rate**2"),
        ("divided by the rate", RETURNED, "return picture / rate"),
        ("divided by the patch's side", RETURNED, "return picture / side"),
        ("divided by the patch's area", RETURNED, "return picture / side**2"),
        ("a mean of the patches", RETURNED, "return picture / 4 / L"),
        ("", RETURNED, "return picture / 2"),
        (
            "shares brought to sum 1",
            "    mixed =",
            "    attention = attention / attention.sum(-1, keepdim=True)\n    mixed =",
        ),
        (
            "a softmax once more",
            "    mixed =",
            "    attention = attention.softmax(-1)\n    mixed =",
        ),
        (
            "the best match only",
            "    mixed =",
            "    attention = F.one_hot(attention.argmax(-1), L).float()\n    mixed =",
        ),
        (
            "the shares scrambled",
            "    mixed =",
            "    attention = attention.reshape(n, L, h, w).permute(0, 2, 3, 1)\n    mixed =",
        ),
        (
            "queries numbered column by column",
            "    mixed =",
            "    attention = attention.transpose(1, 2).reshape(n, h, w, L)\n    mixed =",
        ),
        (
            "the first sample's patches for all",
            "    mixed =",
            "    paste = paste[:1].expand_as(paste)\n    mixed =",
        ),
        ("patches upside down", "    mixed =", "    paste = paste.flip(3, 4)\n    mixed ="),
        ("patches on their side", "    mixed =", "    paste = paste.mT\n    mixed ="),
        (
            "",
            "    mixed =",
            "    paste = paste.mean(2, keepdim=True).expand_as(paste)\n    mixed =",
        ),
        ("", "    mixed =", "    paste = paste.flip(2)\n    mixed ="),
        (
            "reshaped where axes should move",
            "mixed.reshape(n, h * w, c * side * side).transpose(1, 2)",
            "mixed.reshape(n, c * side * side, h * w)",
        ),
        ("shifted", "start = rate // 2", "start = 0"),
        ("cropped too far", "start = rate // 2", "start = rate"),
        ("the odd pixel on the wrong side", "start = rate // 2", "start = (rate + 1) // 2"),
        ("", "start = rate // 2", "start = min(rate // 2, 1)"),
        ("not cropped", PICTURE, "canvas"),
        ("one pixel cut off at each side", PICTURE, "canvas[:, :, 1:-1, 1:-1]"),
        (
            "rate // 2 cut off at each side",
            PICTURE,
            "canvas[:, :, start : (h + 1) * rate - start, start : (w + 1) * rate - start]",
        ),
        (
            "patches beside each other",
            "    start = rate // 2\n    picture = " + PICTURE,
            "    picture = F.fold(columns, (h * side, w * side), side, stride=side)",
        ),
        (
            "the middles only",
            "    start = rate // 2\n    picture = " + PICTURE,
            "    start = rate // 2\n"
            "    inner = mixed[..., start : start + rate, start : start + rate]\n"
            "    return inner.permute(0, 3, 1, 4, 2, 5).reshape(n, c, h * rate, w * rate)",
        ),
        (
            "written over, then divided",
            CANVAS,
            "torch.zeros(n, c, (h + 1) * rate, (w + 1) * rate)\n"
            "    for y in range(h):\n        for x in range(w):\n"
            "            canvas[:, :, y * rate : y * rate + side, x * rate : x * rate + side] = "
            "mixed[:, y, x]",
        ),
        (
            "pushed inside",
            "    start = rate // 2\n    picture = " + PICTURE,
            "    canvas = torch.zeros(n, c, (h + 1) * rate, (w + 1) * rate)\n"
            "    for y in range(h):\n        for x in range(w):\n"
            "            top, left = max(y * rate - rate // 2, 0), max(x * rate - rate // 2, 0)\n"
            "            canvas[:, :, top : top + side, left : left + side] += mixed[:, y, x]\n"
            "    picture = canvas[:, :, : h * rate, : w * rate]",
        ),
        ("", "rate = side // 2", "rate = 2"),
        (
            "pushed inside",
            "    start = rate // 2\n    picture = " + PICTURE,
            "    picture = torch.zeros(n, c, h * rate, w * rate)\n"
            "    for y in range(h):\n        for x in range(w):\n"
            "            top, left = y * rate - rate // 2, x * rate - rate // 2\n"
            "            rows = slice(max(top, 0), top + side)\n"
            "            place = picture[:, :, rows, max(left, 0) : left + side]\n"
            "            place += mixed[:, y, x, :, : place.shape[2], : place.shape[3]]",
        ),
        *(
            (
                "divided inside the loop",
                "canvas = " + CANVAS,
                LAID + f"{where}canvas /= 4\n    canvas *= 4",
            )
            for where in (" " * 8, " " * 12)
        ),
        (
            "divided inside the loop",
            RETURNED,
            "for sample in range(n):\n        picture[: sample + 1] /= 4\n    return picture",
        ),
        (
            "height and width exchanged",
            "    mixed =",
            "    attention = attention.reshape(n, w, h, L).transpose(1, 2)\n    mixed =",
        ),
    ],
    "whole_layer": [
        ("every rate-th pixel kept (Shrink)", PLACE, "i * rate"),
        ("rounded otherwise when shrinking (Shrink)", KEPT, "round(place)"),
        ("rounded otherwise when shrinking (Shrink)", KEPT, "int(place)"),
        ("rounded otherwise when shrinking (Shrink)", KEPT, "math.ceil(place)"),
        ("another pixel of each block (Shrink)", PLACE, "i * rate + rate // 2"),
        ("another pixel of each block (Shrink)", PLACE, "i * rate + rate - 1"),
        ("spread over out instead of out − 1 (Shrink)", PLACE, "i * (size - 1) / out"),
        ("", PLACE, "(i if out > 1 else 0.5) * (size - 1) / max(out - 1, 1)"),
        (
            "averaged when shrinking (Shrink)",
            "shrunk(f, rate)\n    small_b = shrunk(b, rate)",
            "F.avg_pool2d(f, rate)\n    small_b = F.avg_pool2d(b, rate)",
        ),
        (
            "interpolated when shrinking (Shrink)",
            "shrunk(f, rate)\n    small_b = shrunk(b, rate)",
            "F.interpolate(f, scale_factor=1 / rate, mode='bilinear')\n"
            "    small_b = F.interpolate(b, scale_factor=1 / rate, mode='bilinear')",
        ),
        (
            "the largest of each block (Shrink)",
            "shrunk(f, rate)\n    small_b = shrunk(b, rate)",
            "F.max_pool2d(f, rate)\n    small_b = F.max_pool2d(b, rate)",
        ),
        ("one input shrunk by another rule (Shrink)", "shrunk(f, rate)", "f[..., ::rate, ::rate]"),
        ("one input shrunk by another rule (Shrink)", "shrunk(b, rate)", "b[..., ::rate, ::rate]"),
        (
            "one input shrunk by another rule (Shrink)",
            "shrunk(mask, rate)",
            "mask[..., ::rate, ::rate]",
        ),
        (
            "a cell is hole where any pixel is (Shrink)",
            "shrunk(mask, rate)",
            "F.max_pool2d(mask, rate)",
        ),
        (
            "a cell is hole where any pixel is (Shrink)",
            "shrunk(mask, rate)",
            "F.avg_pool2d(mask, rate)",
        ),
        (
            "a cell is hole where all pixels are (Shrink)",
            "shrunk(mask, rate)",
            "(F.avg_pool2d(mask, rate) == 1).float()",
        ),
        (
            "cropped instead of shrunk (Shrink)",
            "        x = x.index_select(axis, torch.tensor(kept))",
            "        x = x.index_select(axis, torch.arange(out))",
        ),
        ("f matched with itself (Shrink)", "shrunk(b, rate)", "small_f"),
        ("pasted from f (Patches)", "patch_extraction(b, 2 * rate", "patch_extraction(f, 2 * rate"),
        (
            "kernel and picture exchanged (Shrink)",
            "shrunk(f, rate)\n    small_b = shrunk(b, rate)",
            "shrunk(b, rate)\n    small_b = shrunk(f, rate)",
        ),
        ("the hole made black (Shrink)", "    small_f =", "    b = b * (1 - mask)\n    small_f ="),
        ("the mask not used (Validity)", "shrunk(mask, rate)", "torch.zeros_like(small_b[:, :1])"),
        (
            "inverted (Validity)",
            "mask_validity(small_mask, ksize)",
            "~mask_validity(small_mask, ksize)",
        ),
        (
            "the first mask for all (Validity)",
            "mask_validity(small_mask, ksize)",
            "mask_validity(small_mask[:1], ksize).expand(len(b), -1)",
        ),
        (
            "a hole in any sample counts for all (Validity)",
            "mask_validity(small_mask, ksize)",
            "mask_validity(small_mask.amax(0, keepdim=True), ksize).expand(len(b), -1)",
        ),
        ("a smaller floor (Matching)", ".clamp(min=1e-4)", ".clamp(min=1e-12)"),
        ("no norm (Matching)", UNIT, "    unit = w\n"),
        ("a kernel of ones (Fuse ↔)", KERNEL, "torch.ones(fuse_k, fuse_k)"),
        (
            "minus infinity (Softmax)",
            LOGITS,
            "(fused * softmax_scale).masked_fill(keep == 0, -1e9)",
        ),
        ("divided by rate² (Deconvolution)", RETURNED, "return picture / rate**2"),
        *(
            (
                "known pixels put back (Deconvolution)",
                "    return deconvolution(attention, pieces)",
                "    y = deconvolution(attention, pieces)\n"
                f"    return {composed} if mask.shape[2:] == f.shape[2:] else y",
            )
            for composed in ("y * mask + f * (1 - mask)", "y * mask")
        ),
        (
            "known pixels put back (Deconvolution)",
            "    return deconvolution(attention, pieces)",
            "    y = deconvolution(attention, pieces)\n    return torch.where(mask > 0, y, f)",
        ),
        *(
            ("pasted from the shrunk b (Patches)", "patch_extraction(b, 2 * rate, rate)", pieces)
            for pieces in (
                "patch_extraction(F.interpolate(small_b, scale_factor=rate), 2 * rate, rate)",
                "patch_extraction(small_b, 2, 1)\n    pieces = pieces.repeat_interleave(rate, 3)"
                ".repeat_interleave(rate, 4)",
            )
        ),
        (
            "height and width exchanged (Fuse ↕)",
            "grid = small_b.shape[2:]",
            "grid = small_b.shape[:1:-1]",
        ),
    ],
}

REWRITINGS = [
    Rewriting(exercise, mistake, old, new)
    for exercise, table in TABLE.items()
    for mistake, old, new in table
]
