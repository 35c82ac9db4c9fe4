"""Right answers to the exercises, each written in several ways: whose values a student's may have.

They are compared with, never shown. They use PyTorch alone, as a student does.
"""

from collections.abc import Callable, Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

RightAnswer = Callable[..., Tensor]


def _zeros(ksize: int, step: int) -> tuple[int, int]:
    total = max(ksize - step, 0)
    return total // 2, total - total // 2


def _patches_by_views(x: Tensor, ksize: int, step: int) -> Tensor:
    padded = F.pad(x, _zeros(ksize, step) * 2)
    windows = padded.unfold(2, ksize, step).unfold(3, ksize, step)
    return windows.permute(0, 2, 3, 1, 4, 5).flatten(1, 2)


def _patches_by_columns(x: Tensor, ksize: int, step: int) -> Tensor:
    columns = F.unfold(F.pad(x, _zeros(ksize, step) * 2), ksize, stride=step)
    apart = columns.unflatten(1, (x.shape[1], ksize, ksize))
    return apart.movedim(4, 1)


def _patches_by_slices(x: Tensor, ksize: int, step: int) -> Tensor:
    padded = F.pad(x, _zeros(ksize, step) * 2)
    pieces = [
        padded[:, :, top : top + ksize, left : left + ksize]
        for top in range(0, x.shape[2], step)
        for left in range(0, x.shape[3], step)
    ]
    return torch.stack(pieces, 1)


def _patches_by_places(x: Tensor, ksize: int, step: int) -> Tensor:
    """One place within the patch at a time."""
    before, after = _zeros(ksize, step)
    padded = F.pad(x, (before, after, before, after))
    height, width = x.shape[2] // step, x.shape[3] // step
    rows = []
    for i in range(ksize):
        for j in range(ksize):
            there = padded[:, :, i : i + height * step : step, j : j + width * step : step]
            rows.append(there.flatten(2))
    return torch.stack(rows, -1).transpose(1, 2).unflatten(3, (ksize, ksize))


def _valid_by_views(mask: Tensor, ksize: int) -> Tensor:
    padded = F.pad(mask, [ksize // 2] * 4)
    windows = padded.unfold(2, ksize, 1).unfold(3, ksize, 1).flatten(4)
    known = (windows == 0).all(-1)
    return known.flatten(1)


def _valid_by_pooling(mask: Tensor, ksize: int) -> Tensor:
    hole = F.max_pool2d(mask, ksize, 1, ksize // 2)
    return ~(hole > 0).flatten(1)


def _valid_by_counting(mask: Tensor, ksize: int) -> Tensor:
    ones = torch.ones(1, 1, ksize, ksize)
    count = F.conv2d(mask, ones, padding=ksize // 2)
    mean = F.unfold(mask, ksize, padding=ksize // 2).mean(1)
    return (count == 0).flatten(1) & (mean == 0)


def _valid_by_slices(mask: Tensor, ksize: int) -> Tensor:
    half = ksize // 2
    n, _, height, width = mask.shape
    valid = torch.ones(n, height, width, dtype=torch.bool)
    padded = F.pad(mask[:, 0], (half, half, half, half))
    for row in range(height):
        for column in range(width):
            cells = padded[:, row : row + ksize, column : column + ksize]
            valid[:, row, column] = (cells == 0).flatten(1).all(1)
    return valid.flatten(1)


def _valid_cell_by_cell(mask: Tensor, ksize: int) -> Tensor:
    half = ksize // 2
    n, _, height, width = mask.shape
    valid = torch.zeros(n, height, width, dtype=torch.bool)
    padded = F.pad(mask, (half, half, half, half))
    for sample in range(n):
        for row in range(height):
            for column in range(width):
                cells = padded[sample, 0, row : row + ksize, column : column + ksize]
                free = cells == 0
                valid[sample, row, column] = free.all()
                _ = cells.sum() == 0, cells.max() == 0
    return valid.flatten(1)


def _scores_by_views(f: Tensor, w: Tensor) -> Tensor:
    k = w.shape[-1]
    padded = F.pad(f, [k // 2] * 4)
    queries = padded.unfold(2, k, 1).unfold(3, k, 1).permute(0, 2, 3, 1, 4, 5)
    norm = w.square().sum((2, 3, 4), keepdim=True).sqrt()
    unit = w / norm.clamp(min=1e-4)
    return torch.einsum("nhwcij,nlcij->nhwl", queries, unit)


def _scores_by_products(f: Tensor, w: Tensor) -> Tensor:
    n, _, height, width = f.shape
    flat = w.flatten(2)
    norm = flat.norm(dim=2, keepdim=True).clamp(min=1e-4)
    columns = F.unfold(f, w.shape[-1], padding=w.shape[-1] // 2)
    scores = (flat / norm) @ columns
    return scores.transpose(1, 2).reshape(n, height, width, -1)


def _scores_by_convolution(f: Tensor, w: Tensor) -> Tensor:
    maps = []
    for x, kernels in zip(f, w, strict=True):
        norms = (kernels**2).flatten(1).sum(1).sqrt()
        unit = kernels / norms.clamp(min=1e-4)[:, None, None, None]
        maps.append(F.conv2d(x[None], unit, padding=w.shape[-1] // 2))
    return torch.cat(maps).permute(0, 2, 3, 1)


def _scores_divided_later(f: Tensor, w: Tensor) -> Tensor:
    n, _, height, width = f.shape
    columns = F.unfold(f, w.shape[-1], padding=w.shape[-1] // 2)
    products = columns.transpose(1, 2) @ w.flatten(2).transpose(1, 2)
    norm = w.flatten(2).norm(dim=2).clamp(min=1e-4)
    return (products / norm[:, None]).reshape(n, height, width, -1)


Grid = tuple[int, int]


def _shares(fused: Tensor, valid: Tensor, scale: float) -> Tensor:
    keep = valid[:, None, None].to(fused)
    return (fused * keep * scale).softmax(-1) * keep


def _shares_by_exponentials(fused: Tensor, valid: Tensor, scale: float) -> Tensor:
    logits = torch.where(valid[:, None, None], fused * scale, 0.0)
    powers = (logits - logits.amax(-1, keepdim=True)).exp()
    shares = powers / powers.sum(-1, keepdim=True)
    return shares.masked_fill(~valid[:, None, None], 0.0)


def _attention_by_convolution(
    scores: Tensor, valid: Tensor, patches: Grid, fuse_k: int, softmax_scale: float
) -> Tensor:
    n, h, w, length = scores.shape
    weight = torch.eye(fuse_k)[None, None]
    table = scores.reshape(n, 1, h * w, length)
    rows = F.conv2d(table, weight, padding=fuse_k // 2).reshape(n, h, w, *patches)
    turned = rows.permute(0, 2, 1, 4, 3).reshape(n, 1, h * w, length)
    columns = F.conv2d(turned, weight, padding=fuse_k // 2).reshape(n, w, h, *patches[::-1])
    fused = columns.permute(0, 2, 1, 4, 3).reshape(scores.shape)
    return _shares(fused, valid, softmax_scale)


def _along_diagonals(table: Tensor, half: int) -> Tensor:
    rows, columns = table.shape[-2:]
    padded = F.pad(table, (half, half, half, half))
    moved = [padded[..., d : d + rows, d : d + columns] for d in range(2 * half + 1)]
    return torch.stack(moved).sum(0)


def _attention_by_shifts(
    scores: Tensor, valid: Tensor, patches: Grid, fuse_k: int, softmax_scale: float
) -> Tensor:
    _, h, w, _ = scores.shape
    rows = _along_diagonals(scores.flatten(1, 2), fuse_k // 2)
    grids = rows.unflatten(2, patches).unflatten(1, (h, w))
    turned = grids.transpose(1, 2).transpose(3, 4).flatten(3).flatten(1, 2)
    columns = _along_diagonals(turned, fuse_k // 2)
    back = columns.unflatten(2, patches[::-1]).unflatten(1, (w, h))
    fused = back.transpose(1, 2).transpose(3, 4).flatten(3)
    return _shares_by_exponentials(fused, valid, softmax_scale)


def _attention_by_additions(
    scores: Tensor, valid: Tensor, patches: Grid, fuse_k: int, softmax_scale: float
) -> Tensor:
    n, h, w, length = scores.shape
    half, (gh, gw) = fuse_k // 2, patches
    fused = scores.flatten(1, 2)
    for height, width, rows, columns in ((h, w, gh, gw), (w, h, gw, gh)):
        total = fused.clone()
        for d in range(1, half + 1):
            total[:, d:, d:] += fused[:, :-d, :-d]
            total[:, :-d, :-d] += fused[:, d:, d:]
        turned = total.reshape(n, height, width, rows, columns).permute(0, 2, 1, 4, 3)
        fused = turned.reshape(n, h * w, length)
    keep = valid.float()[:, None]
    logits = softmax_scale * (fused * keep)
    return (torch.softmax(logits, 2) * keep).reshape(scores.shape)


def _picture_by_folding(attention: Tensor, paste: Tensor) -> Tensor:
    _, h, w, _ = attention.shape
    side = paste.shape[-1]
    rate = side // 2
    mixed = torch.einsum("nhwl,nlcij->nhwcij", attention, paste)
    columns = mixed.flatten(3).flatten(1, 2).transpose(1, 2)
    canvas = F.fold(columns, ((h + 1) * rate, (w + 1) * rate), side, stride=rate)
    start = rate // 2
    return canvas[:, :, start : start + h * rate, start : start + w * rate] / 4


def _picture_by_products(attention: Tensor, paste: Tensor) -> Tensor:
    n, h, w, _ = attention.shape
    c, side = paste.shape[2], paste.shape[-1]
    rate = side // 2
    mixed = attention.flatten(1, 2) @ paste.flatten(2) / 4
    canvas = torch.zeros(n, c, (h + 1) * rate, (w + 1) * rate)
    for cell in range(h * w):
        top, left = cell // w * rate, cell % w * rate
        patch = mixed[:, cell].reshape(n, c, side, side)
        canvas[:, :, top : top + side, left : left + side] += patch
    start = rate // 2
    return canvas[:, :, start : start + h * rate, start : start + w * rate]


def _picture_by_deconvolution(attention: Tensor, paste: Tensor) -> Tensor:
    rate = paste.shape[-1] // 2
    height, width = attention.shape[1] * rate, attention.shape[2] * rate
    pictures = []
    for shares, patches in zip(attention, paste, strict=True):
        maps = shares.permute(2, 0, 1)[None]
        whole = F.conv_transpose2d(maps, patches, stride=rate)
        pictures.append(whole[:, :, rate // 2 :, rate // 2 :][:, :, :height, :width])
    return torch.cat(pictures) / 4


def _shrunk(x: Tensor, rate: int) -> Tensor:
    for axis in (2, 3):
        out = x.shape[axis] // rate
        gap = (x.shape[axis] - 1) / max(out - 1, 1)
        x = x.index_select(axis, torch.tensor([int(i * gap + 0.5) for i in range(out)]))
    return x


def _shrunk_at_once(x: Tensor, rate: int) -> Tensor:
    rows, columns = (
        (torch.arange(size // rate) * ((size - 1) / max(size // rate - 1, 1)) + 0.5).long()
        for size in x.shape[2:]
    )
    return x[:, :, :, columns][:, :, rows]


def _layer(
    shrunk: RightAnswer, patches: RightAnswer, free: RightAnswer, *others: RightAnswer
) -> RightAnswer:
    match, attend, paste = others

    def layer(
        f: Tensor, b: Tensor, mask: Tensor, ksize: int, rate: int, fuse_k: int, softmax_scale: float
    ) -> Tensor:
        small_b = shrunk(b, rate)
        valid = free(shrunk(mask, rate), ksize)
        scores = match(shrunk(f, rate), patches(small_b, ksize, 1))
        grid = small_b.shape[2], small_b.shape[3]
        attention = attend(scores, valid, grid, fuse_k, softmax_scale)
        return paste(attention, patches(b, 2 * rate, rate))

    return layer


_OF_STAGES: Mapping[str, Sequence[RightAnswer]] = {
    "patch_extraction": (
        _patches_by_views,
        _patches_by_columns,
        _patches_by_slices,
        _patches_by_places,
    ),
    "mask_validity": (
        _valid_by_views,
        _valid_by_pooling,
        _valid_by_counting,
        _valid_by_slices,
        _valid_cell_by_cell,
    ),
    "matching_scores": (
        _scores_by_views,
        _scores_by_products,
        _scores_by_convolution,
        _scores_divided_later,
    ),
    "fused_softmax": (
        _attention_by_convolution,
        _attention_by_shifts,
        _attention_by_additions,
    ),
    "deconvolution": (_picture_by_folding, _picture_by_products, _picture_by_deconvolution),
}

# The layer is made of the first of each, of the second, and so on.
RIGHT_ANSWERS: Mapping[str, Sequence[RightAnswer]] = {
    **_OF_STAGES,
    "whole_layer": tuple(
        _layer(shrunk, *(answers[i % len(answers)] for answers in _OF_STAGES.values()))
        for i, shrunk in enumerate((_shrunk, _shrunk_at_once, _shrunk, _shrunk))
    ),
}
