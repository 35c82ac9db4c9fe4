"""Right answers in another style: written apart from the rules of stretches, to try them once."""

from __future__ import annotations

FRESH = {
    "patch_extraction": """
def patch_extraction(x, ksize, step):
    batch, channels, height, width = x.shape
    missing = ksize - step if ksize > step else 0
    top = missing // 2
    canvas = x.new_zeros(batch, channels, height + missing, width + missing)
    canvas[:, :, top:top + height, top:top + width] = x
    rows = torch.arange(0, height, step)[:, None] + torch.arange(ksize)
    cols = torch.arange(0, width, step)[:, None] + torch.arange(ksize)
    strips = canvas[:, :, rows]
    tiles = strips[..., cols]
    tiles = tiles.permute(0, 2, 4, 1, 3, 5)
    return tiles.reshape(batch, -1, channels, ksize, ksize)
""",
    "mask_validity": """
def mask_validity(mask, ksize):
    reach = ksize // 2
    batch, _, rows, cols = mask.shape
    hole = mask[:, 0] > 0
    touched = torch.zeros_like(hole)
    for dy in range(-reach, reach + 1):
        for dx in range(-reach, reach + 1):
            y0, y1 = max(0, -dy), min(rows, rows - dy)
            x0, x1 = max(0, -dx), min(cols, cols - dx)
            if y0 < y1 and x0 < x1:
                near = hole[:, y0 + dy:y1 + dy, x0 + dx:x1 + dx]
                touched[:, y0:y1, x0:x1] |= near
    return torch.logical_not(touched).view(batch, rows * cols)
""",
    "matching_scores": """
def matching_scores(f, w):
    batch, length, channels, side, _ = w.shape
    height, width = f.shape[2], f.shape[3]
    keys = w.reshape(batch, length, channels * side * side)
    energy = torch.sum(keys * keys, dim=-1)
    size = torch.maximum(torch.sqrt(energy), torch.tensor(0.0001))
    keys = keys / size.unsqueeze(-1)
    table = torch.zeros(batch, height * width, length)
    for b in range(batch):
        cells = F.unfold(f[b:b + 1], side, padding=side // 2)
        table[b] = torch.mm(cells[0].t(), keys[b].t())
    return table.view(batch, height, width, length)
""",
    "fused_softmax": """
def fused_softmax(scores, valid, patches, fuse_k, softmax_scale):
    batch, qh, qw, length = scores.shape
    ph, pw = patches
    reach = fuse_k // 2

    def diagonal_sum(matrix):
        total = torch.zeros_like(matrix)
        size_q, size_p = matrix.shape[1], matrix.shape[2]
        for shift in range(-reach, reach + 1):
            lo_q, hi_q = max(0, -shift), min(size_q, size_q - shift)
            lo_p, hi_p = max(0, -shift), min(size_p, size_p - shift)
            if lo_q < hi_q and lo_p < hi_p:
                moved = matrix[:, lo_q + shift:hi_q + shift, lo_p + shift:hi_p + shift]
                total[:, lo_q:hi_q, lo_p:hi_p] += moved
        return total

    flipped_q = torch.arange(qh * qw).view(qh, qw).t().reshape(-1)
    flipped_p = torch.arange(ph * pw).view(ph, pw).t().reshape(-1)
    matrix = diagonal_sum(scores.view(batch, qh * qw, length))
    matrix = matrix[:, flipped_q][:, :, flipped_p]
    matrix = diagonal_sum(matrix)
    fused = torch.empty_like(matrix)
    fused[:, flipped_q[:, None], flipped_p] = matrix
    usable = valid.unsqueeze(1).to(scores.dtype)
    logits = usable * fused
    weights = F.softmax(logits * softmax_scale, dim=2)
    weights = weights * usable
    return weights.view(batch, qh, qw, length)
""",
    "deconvolution": """
def deconvolution(attention, paste):
    batch, qh, qw, length = attention.shape
    channels, side = paste.shape[2], paste.shape[3]
    rate = side // 2
    shift = rate // 2
    out = attention.new_zeros(batch, channels, qh * rate + 2 * side, qw * rate + 2 * side)
    flat = paste.reshape(batch, length, -1)
    for row in range(qh):
        shares = attention[:, row]
        blended = torch.bmm(shares, flat)
        for col in range(qw):
            tile = blended[:, col].view(batch, channels, side, side)
            y = side + row * rate - shift
            x = side + col * rate - shift
            out[:, :, y:y + side, x:x + side] += tile
    inner = out[:, :, side:side + qh * rate, side:side + qw * rate]
    return inner * 0.25
""",
}

SHRINKING = """
def nearest(size, rate):
    count = size // rate
    if count == 1:
        return [0]
    return [(2 * i * (size - 1) + count - 1) // (2 * (count - 1)) for i in range(count)]


def smaller(picture, rate):
    keep_rows = nearest(picture.shape[-2], rate)
    keep_cols = nearest(picture.shape[-1], rate)
    return picture[:, :, keep_rows][:, :, :, keep_cols]


def whole_layer(f, b, mask, ksize, rate, fuse_k, softmax_scale):
    b_small = smaller(b, rate)
    usable = mask_validity(smaller(mask, rate), ksize)
    wanted = patch_extraction(b_small, ksize, 1)
    table = matching_scores(smaller(f, rate), wanted)
    grid = (b_small.shape[2], b_small.shape[3])
    shares = fused_softmax(table, usable, grid, fuse_k, softmax_scale)
    return deconvolution(shares, patch_extraction(b, rate * 2, rate))
"""

FRESH["whole_layer"] = "".join(FRESH.values()) + SHRINKING
