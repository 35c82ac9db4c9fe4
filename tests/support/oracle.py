"""Contextual attention in plain loops: the specification that the stages are tested against.

Slow on purpose. Python's own floats (64 bits) do the arithmetic, numpy only stores the results,
and nothing of `ctxattn_viz` is imported. Read it top to bottom: one short function a stage, in
the order in which they run. The letters:

    n batch    c channels    H W size of f    Hb Wb size of b    k ksize    s stride
    h w    f's grid after shrinking: the query cells, p = row * w + col
    gh gw  b's grid after shrinking and stepping by s: the L background patches, q = i * gw + j

`config` is anything with the attributes ksize, stride, rate, fuse_k, softmax_scale, fuse, shrink,
norm, masked, overlap and mask_of_batch.
"""

import math

import numpy as np


def nearest_indices(size, rate, shrink):
    """Which of `size` pixels survive shrinking by `rate`."""
    out = size // rate
    if shrink == "floor" or out == 1:
        return [i * rate for i in range(out)]
    # align_corners: first and last pixel are kept, those between are spread evenly, and halves go
    # up. The original does this in float32, whose rounding decides some of the halves.
    spacing = np.float32(size - 1) / np.float32(out - 1)
    return [math.floor(np.float32(i) * spacing + np.float32(0.5)) for i in range(out)]


def downsample(x, rate, shrink):
    """(n, c, H, W) -> (n, c, H / rate, W / rate)."""
    rows = nearest_indices(x.shape[2], rate, shrink)
    cols = nearest_indices(x.shape[3], rate, shrink)
    small = np.empty((*x.shape[:2], len(rows), len(cols)))
    for at in np.ndindex(small.shape):
        sample, channel, row, col = at
        small[at] = x[sample, channel, rows[row], cols[col]]
    return small


def downsample_mask(mask, b, config):
    """The mask of b, brought to b's size if it is larger, then shrunk as b is."""
    if mask is None:
        mask = np.zeros((1, 1, *b.shape[2:]))
    at_b_size = downsample(mask, mask.shape[2] // b.shape[2], config.shrink)
    return downsample(at_b_size, config.rate, config.shrink)


def patch(image, top, left, side):
    """The (c, side, side) window of a (c, H, W) image, zero outside it."""
    channels, height, width = image.shape
    window = np.zeros((channels, side, side))
    for at in np.ndindex(window.shape):
        channel, row, col = at[0], top + at[1], left + at[2]
        if 0 <= row < height and 0 <= col < width:
            window[at] = image[channel, row, col]
    return window


def patch_grid(downsampled, stride):
    """(gh, gw): how many cells 0, s, 2s, ... there are on each axis."""
    return tuple(-(-size // stride) for size in downsampled.shape[2:])


def matching_patches(downsampled, config, stride):
    """(n, c, h, w) -> (n, gh * gw, c, k, k), each patch centred on its cell."""
    gh, gw = patch_grid(downsampled, stride)
    half = config.ksize // 2
    return np.array(
        [
            [
                patch(image, i * stride - half, j * stride - half, config.ksize)
                for i in range(gh)
                for j in range(gw)
            ]
            for image in downsampled
        ]
    )


def paste_patches(b, config):
    """(n, c, Hb, Wb) -> (n, L, c, 2 rate, 2 rate), from b at full size, zero outside it."""
    rate, stride = config.rate, config.stride
    gh, gw = (-(-(size // rate) // stride) for size in b.shape[2:])
    return np.array(
        [
            [
                patch(
                    image,
                    i * stride * rate - rate // 2,
                    j * stride * rate - rate // 2,
                    2 * rate,
                )
                for i in range(gh)
                for j in range(gw)
            ]
            for image in b
        ]
    )


def valid_patches(downsampled_mask, config):
    """(n | 1, L): true where a matching patch holds no hole; what lies outside b is no hole."""
    holes = matching_patches(downsampled_mask, config, config.stride)
    return np.array([[not hole.any() for hole in sample] for sample in holes])


def norm(match, rule):
    """What a matching patch is divided by."""
    squares = [float(value) ** 2 for value in match.flat]
    if rule == "none":
        return 1.0
    if rule == "per_element":
        return math.sqrt(sum(square + 1e-4 for square in squares))
    return max(math.sqrt(sum(squares)), 1e-4)


def scores(downsampled_f, matching, config):
    """(n, h, w, L): every query patch times every matching patch, over the latter's norm."""
    n, _, h, w = downsampled_f.shape
    queries = matching_patches(downsampled_f, config, stride=1)
    result = np.empty((n, h * w, matching.shape[1]))
    for sample in range(n):
        flat_queries = [query.ravel().tolist() for query in queries[sample]]
        for q, match in enumerate(matching[sample]):
            divisor = norm(match, config.norm)
            flat_match = match.ravel().tolist()
            for p, query in enumerate(flat_queries):
                product = sum(x * y for x, y in zip(query, flat_match, strict=True))
                result[sample, p, q] = product / divisor
    return result.reshape(n, h, w, -1)


def row_major(height, width):
    """The cells of a grid in reading order."""
    return [(row, col) for row in range(height) for col in range(width)]


def column_major(height, width):
    """The cells of a grid column by column."""
    return [(row, col) for col in range(width) for row in range(height)]


def fuse(matrix, patch_grid, config, order):
    """Add up `matrix` along its diagonals: d places on in the patches, s * d in the queries.

    Both grids are walked in `order`; where either walk has ended, nothing is added.
    """
    if not config.fuse:
        return matrix
    n, h, w, _ = matrix.shape
    gh, gw = patch_grid
    half = config.fuse_k // 2
    queries, patches = order(h, w), order(gh, gw)
    fused = np.zeros_like(matrix)
    for sample in range(n):
        for p, (row, col) in enumerate(queries):
            for q, (i, j) in enumerate(patches):
                for d in range(-half, half + 1):
                    p_d, q_d = p + config.stride * d, q + d
                    if 0 <= p_d < len(queries) and 0 <= q_d < len(patches):
                        (row_d, col_d), (i_d, j_d) = queries[p_d], patches[q_d]
                        fused[sample, row, col, i * gw + j] += matrix[
                            sample, row_d, col_d, i_d * gw + j_d
                        ]
    return fused


def fused_rows(scores, patch_grid, config):
    return fuse(scores, patch_grid, config, row_major)


def fused_scores(fused_rows, patch_grid, config):
    return fuse(fused_rows, patch_grid, config, column_major)


def softmax(logits):
    top = max(logits)
    if top == -math.inf:  # nothing may be used: 0 / 0
        return [math.nan for _ in logits]
    weights = [math.exp(logit - top) for logit in logits]
    total = sum(weights)
    return [weight / total for weight in weights]


def valid_of(sample, valid, config):
    """The row of `valid` that counts for one sample of the batch."""
    return valid[0] if len(valid) == 1 or config.mask_of_batch == "first" else valid[sample]


def attention(fused_scores, valid, config):
    """(n, h, w, L): each query's weights over the background patches."""
    result = np.empty_like(fused_scores)
    for sample, row, col in np.ndindex(fused_scores.shape[:3]):
        fused = fused_scores[sample, row, col].tolist()
        usable = [bool(one) for one in valid_of(sample, valid, config)]
        if config.masked == "zero":
            # A masked score of 0 still adds exp(0) to the denominator.
            logits = [
                config.softmax_scale * score if ok else 0.0
                for score, ok in zip(fused, usable, strict=True)
            ]
            weights = [
                weight if ok else 0.0 for weight, ok in zip(softmax(logits), usable, strict=True)
            ]
        else:
            weights = softmax(
                [
                    config.softmax_scale * score if ok else -math.inf
                    for score, ok in zip(fused, usable, strict=True)
                ]
            )
        result[sample, row, col] = weights
    return result


def output(attention, paste, config):
    """(n, c, h * rate, w * rate): each query cell pastes its mixed patch; overlaps are averaged."""
    n, h, w, _ = attention.shape
    channels, side, rate = paste.shape[2], 2 * config.rate, config.rate
    total = np.zeros((n, channels, h * rate, w * rate))
    coverage = np.zeros((h * rate, w * rate))
    for row in range(h):
        for col in range(w):
            top, left = row * rate - rate // 2, col * rate - rate // 2
            for dy in range(side):
                for dx in range(side):
                    y, x = top + dy, left + dx
                    if not (0 <= y < h * rate and 0 <= x < w * rate):
                        continue
                    coverage[y, x] += 1
                    for sample in range(n):
                        weights = attention[sample, row, col].tolist()
                        for channel in range(channels):
                            colours = paste[sample, :, channel, dy, dx].tolist()
                            total[sample, channel, y, x] += sum(
                                weight * colour
                                for weight, colour in zip(weights, colours, strict=True)
                            )
    for at in np.ndindex(total.shape):
        total[at] /= 4 if config.overlap == "constant" else coverage[at[2:]]
    return total


def offsets(attention, patch_grid, config):
    """(n, h, w, 2): from each query cell to its strongest patch's cell, (down, right)."""
    _, gw = patch_grid
    result = np.empty((*attention.shape[:3], 2), dtype=np.int64)
    for sample, row, col in np.ndindex(attention.shape[:3]):
        weights = attention[sample, row, col].tolist()
        best = 0
        for q, weight in enumerate(weights):
            if weight > weights[best]:
                best = q
        result[sample, row, col] = (
            config.stride * (best // gw) - row,
            config.stride * (best % gw) - col,
        )
    return result


def colour_wheel():
    """55 colours around the wheel: red, yellow, green, cyan, blue, magenta, and back to red."""
    wheel = []
    # Between two neighbours one channel rises or falls in whole steps, a second stays full.
    for steps, full, moving, rising in (
        (15, 0, 1, True),
        (6, 1, 0, False),
        (4, 1, 2, True),
        (11, 2, 1, False),
        (13, 2, 0, True),
        (6, 0, 2, False),
    ):
        for step in range(steps):
            colour = [0, 0, 0]
            colour[full] = 255
            ramp = math.floor(255 * step / steps)
            colour[moving] = ramp if rising else 255 - ramp
            wheel.append(colour)
    return wheel


def flow(offsets):
    """(n, 3, h, w) uint8: direction as hue, length as saturation.

    Lengths are relative to the longest offset of this sample and those before it in the batch.
    """
    n, h, w, _ = offsets.shape
    picture = np.empty((n, 3, h, w), dtype=np.uint8)
    wheel = colour_wheel()
    longest = -1.0
    for sample in range(n):
        cells = [[(float(down), float(right)) for down, right in row] for row in offsets[sample]]
        lengths = [math.sqrt(down**2 + right**2) for row in cells for down, right in row]
        longest = max(longest, *lengths)
        scale = longest + np.finfo(float).eps
        for row in range(h):
            for col in range(w):
                down, right = (component / scale for component in cells[row][col])
                length = math.sqrt(down**2 + right**2)
                angle = math.atan2(-right, -down) / math.pi
                place = (angle + 1) / 2 * (len(wheel) - 1)
                before = math.floor(place)
                after = (before + 1) % len(wheel)
                share = place - before
                for channel in range(3):
                    hue = (1 - share) * (wheel[before][channel] / 255) + share * (
                        wheel[after][channel] / 255
                    )
                    # `length` never exceeds 1: it was divided by a little more than the longest.
                    picture[sample, channel, row, col] = math.floor(255 * (1 - length * (1 - hue)))
    return picture


def run(f, b, mask, config):
    """Every stage, by its name in a trace. mask is None or (n | 1, 1, Hb * m, Wb * m)."""
    t = {}
    t["downsampled_f"] = downsample(f, config.rate, config.shrink)
    t["downsampled_b"] = downsample(b, config.rate, config.shrink)
    t["downsampled_mask"] = downsample_mask(mask, b, config)
    t["matching_patches"] = matching_patches(t["downsampled_b"], config, config.stride)
    t["paste_patches"] = paste_patches(b, config)
    t["valid"] = valid_patches(t["downsampled_mask"], config)
    t["scores"] = scores(t["downsampled_f"], t["matching_patches"], config)
    grid = patch_grid(t["downsampled_b"], config.stride)
    t["fused_rows"] = fused_rows(t["scores"], grid, config)
    t["fused_scores"] = fused_scores(t["fused_rows"], grid, config)
    t["attention"] = attention(t["fused_scores"], t["valid"], config)
    t["output"] = output(t["attention"], t["paste_patches"], config)
    t["offsets"] = offsets(t["attention"], grid, config)
    t["flow"] = flow(t["offsets"])
    return t
