"""The maps of doubt by loops alone, from one sample's whole attention. Imports nothing of ours."""

import math

import numpy as np


def best_of(shares):
    """The first of the largest shares; None where there is nothing to choose."""
    if any(math.isnan(share) for share in shares) or max(shares) == 0:
        return None
    return shares.index(max(shares))


def second_of(shares, best, columns):
    """The largest share of a patch that is no neighbour of the best one, sideways or across."""
    row, column = divmod(best, columns)
    others = [
        share
        for patch, share in enumerate(shares)
        if abs(patch // columns - row) > 1 or abs(patch % columns - column) > 1
    ]
    return max(others, default=0.0)


def effective_of(shares):
    if any(math.isnan(share) for share in shares):
        return math.nan
    total = sum(shares)
    parts = [share / total for share in shares if share > 0] if total > 0 else []
    return math.exp(-sum(part * math.log(part) for part in parts)) if parts else 0.0


def offset_of(best, row, column, columns, stride):
    return best // columns * stride - row, best % columns * stride - column


def query_maps(attention, columns, stride):
    """Of an attention (h, w, L): each map (h, w)."""
    h, w, _ = attention.shape
    names = ("effective_patches", "best_share", "margin", "agreement", "offset_length")
    maps = {name: np.full((h, w), math.nan) for name in names}
    offsets = {}
    for row, column in np.ndindex(h, w):
        shares = attention[row, column].tolist()
        best = best_of(shares)
        maps["effective_patches"][row, column] = effective_of(shares)
        maps["best_share"][row, column] = math.nan if math.isnan(shares[0]) else max(shares)
        offsets[row, column] = None
        if best is not None:
            offsets[row, column] = offset_of(best, row, column, columns, stride)
            maps["margin"][row, column] = shares[best] - second_of(shares, best, columns)
            maps["offset_length"][row, column] = math.hypot(*offsets[row, column])
        elif not math.isnan(shares[0]):
            maps["margin"][row, column] = 0
    for (row, column), offset in offsets.items():
        sides = ((-stride, 0), (stride, 0), (0, -stride), (0, stride))
        places = [(row + down, column + right) for down, right in sides]
        neighbours = [offsets[place] for place in places if place in offsets]
        if offset is not None:
            alike = [neighbour == offset for neighbour in neighbours]
            maps["agreement"][row, column] = sum(alike) / len(alike) if alike else 1
    return maps


def clear_of(attention, stride, close):
    """(h, w): whether the best share is alone by more than `close`, and those around are, too."""
    h, w, _ = attention.shape
    ordered = np.sort(attention, axis=-1)
    alone = ordered.shape[-1] < 2 or ordered[..., -1] - ordered[..., -2] > close
    clear = np.broadcast_to(alone | ~(ordered[..., -1] > 0), (h, w))
    around = clear.copy()
    for row, column in np.ndindex(h, w):
        for down, right in ((-stride, 0), (stride, 0), (0, -stride), (0, stride)):
            y, x = row + down, column + right
            if 0 <= y < h and 0 <= x < w:
                around[row, column] &= clear[y, x]
    return clear, around


def times_pasted(attention, grid):
    """(gh, gw): what all queries together take of each patch."""
    sums = [0.0] * attention.shape[2]
    for row, column in np.ndindex(*attention.shape[:2]):
        for patch, share in enumerate(attention[row, column].tolist()):
            sums[patch] += 0 if math.isnan(share) else share
    return np.array(sums).reshape(grid)


def error(output, truth, rate):
    """Of (c, H, W): the mean distance of the numbers of each cell."""
    channels, height, width = output.shape
    result = np.zeros((height // rate, width // rate))
    for row, column in np.ndindex(*result.shape):
        total = 0.0
        for channel, y, x in np.ndindex(channels, rate, rate):
            at = channel, row * rate + y, column * rate + x
            total += abs(output[at] - truth[at])
        result[row, column] = total / (channels * rate * rate)
    return result
