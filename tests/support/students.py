"""What students hand in: each exercise written as a student would, right, and wrong in named ways.

Only PyTorch is used, nothing of the package: these are also a second opinion on the stages.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor


def patch_extraction(x: Tensor, ksize: int, step: int, wrong: str = "") -> Tensor:
    total = max(ksize - step, 0)
    before, after = total // 2, total - total // 2
    if wrong == "ksize // 2 zeros on each side":
        before = after = ksize // 2
    if wrong == "the odd zero before":
        before, after = after, before
    if wrong == "all zeros after":
        before, after = 0, total
    mode = "replicate" if wrong == "border repeated" else "constant"
    padded = F.pad(x, (before, after, before, after), mode=mode)
    if wrong == "no padding":
        padded = x
    n, c = x.shape[:2]
    columns = F.unfold(padded, ksize, stride=1 if wrong == "one patch at every pixel" else step)
    if wrong == "left as unfold makes it":
        return columns
    if wrong == "reshaped where axes should move":
        return columns.reshape(n, -1, c, ksize, ksize)
    patches = columns.transpose(1, 2).reshape(n, -1, c, ksize, ksize)
    if wrong == "patch rows and columns swapped":
        patches = patches.transpose(3, 4)
    if wrong == "patches numbered column by column":
        rows = x.shape[2] // step
        patches = patches.unflatten(1, (rows, -1)).transpose(1, 2).flatten(1, 2)
    if wrong == "channels reversed":
        patches = patches.flip(2)
    return patches


def mask_validity(mask: Tensor, ksize: int, wrong: str = "") -> Tensor:
    outside = 1.0 if wrong == "the border counts as hole" else 0.0
    padded = F.pad(mask, [ksize // 2] * 4, value=outside)
    if wrong == "the first mask for all":
        padded = padded[:1].expand_as(padded)
    if wrong == "a hole in any sample counts for all":
        padded = padded.amax(0, keepdim=True).expand_as(padded)
    inside = F.unfold(padded, ksize)  # (n, k·k, L)
    if wrong == "only the middle cell counts":
        inside = inside[:, ksize * ksize // 2, None]
    if wrong == "a plus instead of a square":
        plus = torch.zeros(ksize, ksize, dtype=torch.bool)
        plus[ksize // 2] = plus[:, ksize // 2] = True
        inside = inside[:, plus.flatten()]
    if wrong == "one known cell is enough":
        return inside.mean(1) < 1
    if wrong == "half known is enough":
        return inside.mean(1) < 0.5
    valid = inside.sum(1) == 0
    if wrong == "patches numbered column by column":
        valid = valid.reshape(len(mask), *mask.shape[2:]).transpose(1, 2).flatten(1)
    return ~valid if wrong == "inverted" else valid


def matching_scores(f: Tensor, w: Tensor, wrong: str = "") -> Tensor:
    k = w.shape[-1]
    squares = (w * w).sum((2, 3, 4), keepdim=True)
    norm = squares.sqrt().clamp(min=1e-4)
    if wrong == "no norm":
        norm = 1
    if wrong == "square root forgotten":
        norm = squares.clamp(min=1e-4)
    if wrong == "no floor under the norm":
        norm = squares.sqrt()
    if wrong == "an epsilon for each element":
        norm = (w * w + 1e-4).sum((2, 3, 4), keepdim=True).sqrt()
    if wrong == "a sum of absolute values":
        norm = w.abs().sum((2, 3, 4), keepdim=True).clamp(min=1e-4)
    if wrong == "one norm for all patches":
        norm = (w * w).sum((1, 2, 3, 4), keepdim=True).sqrt()
    if wrong == "a norm for every cell of the patch":
        norm = (w * w).sum(2, keepdim=True).sqrt().clamp(min=1e-4)
    if wrong == "the wrong patch's norm":
        norm = 1
    kernels = w / norm
    if wrong == "the patches upside down":
        kernels = kernels.flip(3, 4)
    if wrong == "the patches on their side":
        kernels = kernels.transpose(3, 4)
    if wrong == "the first sample's patches for all":
        kernels = kernels[:1].expand_as(kernels)
    padded = F.pad(f, [k // 2] * 4, mode="replicate" if wrong == "border repeated" else "constant")
    if wrong == "no padding":
        padded = f
    scores = torch.stack(
        [F.conv2d(x[None], kernel)[0] for x, kernel in zip(padded, kernels, strict=True)]
    )
    if wrong in ("the paper's cosine", "the wrong patch's norm"):
        ones = torch.ones(1, f.shape[1], k, k)
        scores = scores / F.conv2d(padded * padded, ones).sqrt().clamp(min=1e-4)
    scores = scores.permute(0, 2, 3, 1)
    if wrong == "queries numbered column by column":
        scores = scores.transpose(1, 2).reshape(scores.shape)
    return scores


def _diagonals(scores: Tensor, fuse_k: int, wrong: str) -> Tensor:
    """One pass over (n, P, L), as the original has it: a convolution with an identity."""
    weight = torch.eye(fuse_k)[None, None]
    if wrong == "the diagonal the wrong way":
        weight = weight.flip(3)
    if wrong == "means instead of sums":
        weight = weight / fuse_k
    return F.conv2d(scores[:, None], weight, padding=fuse_k // 2)[:, 0]


def fused_softmax(
    scores: Tensor,
    valid: Tensor,
    patches: tuple[int, int],
    fuse_k: int,
    softmax_scale: float,
    wrong: str = "",
) -> Tensor:
    n, h, w, length = scores.shape
    keep = (~valid if wrong == "mask inverted" else valid).float()[:, None, None]
    if wrong in ("masked before the fusion", "masked before the fusion as well"):
        scores = scores * keep
    by_rows = scores.reshape(n, h * w, length)
    if wrong not in ("no fusion", "the second pass only", "fused after the softmax"):
        by_rows = _diagonals(by_rows, fuse_k, wrong)
    grid = by_rows.reshape(n, h, w, *patches)
    if wrong == "twice row by row":
        fused = _diagonals(by_rows, fuse_k, wrong).reshape(scores.shape)
    elif wrong in ("no fusion", "the first pass only", "fused after the softmax"):
        fused = grid.reshape(scores.shape)
    elif wrong == "only the queries turned":
        turned = grid.transpose(1, 2).reshape(n, w * h, length)
        fused = _diagonals(turned, fuse_k, wrong).reshape(n, w, h, length).transpose(1, 2)
    else:
        turned = grid.permute(0, 2, 1, 4, 3).reshape(n, w * h, length)
        turned = _diagonals(turned, fuse_k, wrong).reshape(n, w, h, *patches[::-1])
        back = (0, 1, 2, 3, 4) if wrong == "not turned back" else (0, 2, 1, 4, 3)
        fused = turned.permute(back).reshape(scores.shape)
    if wrong == "the scale forgotten":
        softmax_scale = 1.0
    if wrong == "divided by the scale":
        softmax_scale = 1 / softmax_scale
    logits = fused * softmax_scale
    if wrong == "minus infinity":
        logits = logits.masked_fill(keep == 0, -math.inf)
    elif wrong not in (
        "no mask",
        "masked after the softmax only",
        "masked before the fusion",
    ):
        logits = logits * keep
    if wrong == "softmax over the queries":
        return logits.flatten(1, 2).softmax(1).reshape(scores.shape) * keep
    attention = logits.softmax(-1)
    if wrong not in ("no mask", "masked before the softmax only"):
        attention = attention * keep
    if wrong == "fused after the softmax":
        return fused_softmax_passes(attention, patches, fuse_k)
    return attention


def fused_softmax_passes(scores: Tensor, patches: tuple[int, int], fuse_k: int) -> Tensor:
    """Both passes, right."""
    n, h, w, length = scores.shape
    x = _diagonals(scores.reshape(n, h * w, length), fuse_k, "").reshape(n, h, w, *patches)
    x = _diagonals(x.permute(0, 2, 1, 4, 3).reshape(n, w * h, length), fuse_k, "")
    x = x.reshape(n, w, h, *patches[::-1]).permute(0, 2, 1, 4, 3)
    return x.reshape(n, h, w, length)


def deconvolution(attention: Tensor, paste: Tensor, wrong: str = "") -> Tensor:
    n, h, w, length = attention.shape
    c, side = paste.shape[2], paste.shape[-1]
    rate = side // 2
    if wrong == "patches upside down":
        paste = paste.flip(3, 4)
    if wrong == "patches on their side":
        paste = paste.transpose(3, 4)
    if wrong == "the first sample's patches for all":
        paste = paste[:1].expand_as(paste)
    if wrong == "the best match only":
        attention = F.one_hot(attention.argmax(-1), length).float()
    if wrong == "queries numbered column by column":
        attention = attention.transpose(1, 2).reshape(attention.shape)
    mixed = torch.einsum("nhwl,nlcij->nhwcij", attention, paste)
    canvas = torch.zeros(n, c, (h + 1) * rate, (w + 1) * rate)
    cover = torch.zeros((h + 1) * rate, (w + 1) * rate)
    for y in range(h):
        for x in range(w):
            at = (slice(y * rate, y * rate + side), slice(x * rate, x * rate + side))
            if wrong.startswith("written over"):
                canvas[:, :, *at] = mixed[:, y, x]
            else:
                canvas[:, :, *at] += mixed[:, y, x]
            cover[at] += 1
    start = rate // 2
    if wrong == "shifted":
        start = 0
    if wrong == "cropped too far":
        start = rate
    if wrong == "the odd pixel on the wrong side":
        start = rate - rate // 2
    crop = (slice(start, start + h * rate), slice(start, start + w * rate))
    if wrong == "the middles only":
        inner = mixed[..., start : start + rate, start : start + rate]
        return inner.permute(0, 3, 1, 4, 2, 5).reshape(n, c, h * rate, w * rate)
    if wrong in ("not divided", "written over instead of added"):
        return canvas[:, :, *crop]
    if wrong == "divided by the true cover":
        return canvas[:, :, *crop] / cover[crop]
    if wrong == "divided by the patch's area":
        return canvas[:, :, *crop] / side**2
    return canvas / 4 if wrong == "not cropped" else canvas[:, :, *crop] / 4


def whole_layer(
    f: Tensor,
    b: Tensor,
    mask: Tensor,
    ksize: int,
    rate: int,
    fuse_k: int,
    softmax_scale: float,
    stage: str = "",
    wrong: str = "",
) -> Tensor:
    """All of the above in a row; `wrong` is made by the exercise named `stage`."""

    def of(name: str) -> str:
        return wrong if stage == name else ""

    def shrunk(x: Tensor) -> Tensor:
        if of("shrinking") == "averaged when shrinking" and x is not mask:
            return F.avg_pool2d(x, rate)
        kept = []
        for size in x.shape[2:]:
            out = size // rate
            gap = (size - 1) / max(out - 1, 1)
            if of("shrinking") == "every rate-th pixel kept":
                gap = rate
            kept.append(torch.tensor([math.floor(i * gap + 0.5) for i in range(out)]))
        return x[:, :, kept[0]][:, :, :, kept[1]]

    if of("inputs") == "f and b exchanged":
        f, b = b, f
    small_f, small_b = shrunk(f), shrunk(f if of("inputs") == "f matched with itself" else b)
    if of("inputs") == "the mask not used":
        mask = torch.zeros_like(mask)
    matching = patch_extraction(small_b, ksize, 1, of("patch_extraction"))
    pasted_from = f if of("inputs") == "pasted from f" else b
    paste = patch_extraction(pasted_from, 2 * rate, rate, of("patch_extraction"))
    valid = mask_validity(shrunk(mask), ksize, of("mask_validity"))
    scores = matching_scores(small_f, matching, of("matching_scores"))
    patches = (b.shape[2] // rate, b.shape[3] // rate)
    attention = fused_softmax(scores, valid, patches, fuse_k, softmax_scale, of("fused_softmax"))
    return deconvolution(attention, paste, of("deconvolution"))


SOLUTIONS = {
    f.__name__: f
    for f in (
        patch_extraction,
        mask_validity,
        matching_scores,
        fused_softmax,
        deconvolution,
        whole_layer,
    )
}
