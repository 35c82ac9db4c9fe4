"""Right answers in styles of their own, written before the rules of stretches were last changed.

UNSEEN was tried first: its three exercises were drawn by lot, and what was learned from its misses
has gone into the rules since. LATER was written after that and tried once, when they were finished.
LAST was written later still, by someone who had read no rule, and of the other answers only one.
"""

from __future__ import annotations

UNSEEN = {
    "patch_extraction": (
        """
def patch_extraction(x, ksize, step):
    n, c, _, _ = x.shape
    lack = max(ksize - step, 0)
    left = lack // 2
    right = lack - left
    picker = torch.eye(ksize * ksize).reshape(ksize * ksize, 1, ksize, ksize)
    planes = F.pad(x, (left, right, left, right)).flatten(0, 1).unsqueeze(1)
    picked = F.conv2d(planes, picker, stride=step)
    picked = picked.view(n, c, ksize, ksize, -1)
    return torch.einsum("ncijl->nlcij", picked)
""",
        """
def patch_extraction(x, ksize, step):
    def window(image, top, left):
        tile = torch.zeros(image.shape[0], ksize, ksize)
        for i in range(ksize):
            for j in range(ksize):
                row, column = top + i, left + j
                if 0 <= row < image.shape[1] and 0 <= column < image.shape[2]:
                    tile[:, i, j] = image[:, row, column]
        return tile

    shift = max(ksize - step, 0) // 2
    batch = []
    for image in x:
        tiles = []
        for top in range(0, image.shape[1], step):
            for left in range(0, image.shape[2], step):
                tiles.append(window(image, top - shift, left - shift))
        batch.append(torch.stack(tiles))
    return torch.stack(batch)
""",
    ),
    "mask_validity": (
        """
def mask_validity(mask, ksize):
    r = ksize // 2
    n, _, h, w = mask.shape
    table = F.pad(mask.squeeze(1), (r + 1, r, r + 1, r)).cumsum(1).cumsum(2)
    below, above = table[:, ksize:], table[:, :-ksize]
    total = below[:, :, ksize:] - below[:, :, :-ksize] - above[:, :, ksize:] + above[:, :, :-ksize]
    return total.reshape(n, h * w) == 0
""",
        """
def mask_validity(mask, ksize):
    half = (ksize - 1) // 2
    n, _, rows, columns = mask.shape
    good = torch.ones(n, rows, columns, dtype=torch.bool)
    for sample, _, y, x in mask.nonzero().tolist():
        top, left = max(y - half, 0), max(x - half, 0)
        good[sample, top : y + half + 1, left : x + half + 1] = False
    return good.reshape(n, -1)
""",
    ),
    "deconvolution": (
        """
def deconvolution(attention, paste):
    n, h, w, _ = attention.shape
    channels, side = paste.shape[2], paste.shape[3]
    rate = side // 2
    tiles = torch.stack([torch.tensordot(a, p, dims=1) for a, p in zip(attention, paste)])
    quarters = tiles.unflatten(-1, (2, rate)).unflatten(-3, (2, rate))
    blocks = torch.zeros(n, h + 1, w + 1, channels, rate, rate)
    for i in (0, 1):
        for j in (0, 1):
            blocks[:, i:i + h, j:j + w] += quarters[:, :, :, :, i, :, j]
    whole = blocks.permute(0, 3, 1, 4, 2, 5).reshape(n, channels, (h + 1) * rate, (w + 1) * rate)
    crop = rate // 2
    return whole.narrow(2, crop, h * rate).narrow(3, crop, w * rate).div(4)
""",
        """
def lay(picture, tile, top, left):
    side = tile.shape[-1]
    y0, y1 = max(top, 0), min(top + side, picture.shape[1])
    x0, x1 = max(left, 0), min(left + side, picture.shape[2])
    picture[:, y0:y1, x0:x1] += tile[:, y0 - top:y1 - top, x0 - left:x1 - left]


def deconvolution(attention, paste):
    pictures = []
    for shares, tiles in zip(attention, paste):
        rate = tiles.shape[-1] // 2
        height, width = shares.shape[:2]
        picture = torch.zeros(tiles.shape[1], height * rate, width * rate)
        for row in range(height):
            for column in range(width):
                weights = shares[row, column].view(-1, 1, 1, 1)
                blend = (weights * tiles).sum(dim=0)
                lay(picture, blend, row * rate - rate // 2, column * rate - rate // 2)
        pictures.append(picture * 0.25)
    return torch.stack(pictures)
""",
    ),
}

LATER = {
    "matching_scores": (
        """
def matching_scores(f, w):
    n, _, rows, cols = f.shape
    out = torch.empty(n, rows, cols, w.shape[1])
    reach = w.shape[-1] // 2
    for sample in range(n):
        around = F.pad(f[sample], (reach, reach, reach, reach))
        for q in range(w.shape[1]):
            kernel = w[sample, q]
            length = max(float(kernel.pow(2).sum()) ** 0.5, 0.0001)
            total = torch.zeros(rows, cols)
            for i in range(kernel.shape[1]):
                for j in range(kernel.shape[2]):
                    moved = around[:, i:i + rows, j:j + cols]
                    total = total + (moved * kernel[:, i, j][:, None, None]).sum(0)
            out[sample, :, :, q] = total / length
    return out
""",
        """
def matching_scores(f, w):
    n, count, c, k, _ = w.shape
    height, width = f.shape[2:]
    unit = F.normalize(w.reshape(n, count, c * k * k), dim=2, eps=0.0001)
    kernels = unit.view(n * count, c, k, k)
    maps = F.conv2d(f.reshape(1, n * c, height, width), kernels, padding=k // 2, groups=n)
    return maps.view(n, count, height, width).movedim(1, -1)
""",
    ),
    "fused_softmax": (
        """
def shifted(table, steps):
    moved = torch.roll(table, (steps, steps), dims=(1, 2))
    if steps > 0:
        moved[:, :steps] = 0
        moved[:, :, :steps] = 0
    if steps < 0:
        moved[:, steps:] = 0
        moved[:, :, steps:] = 0
    return moved


def fused_softmax(scores, valid, patches, fuse_k, softmax_scale):
    n, h, w, length = scores.shape
    rows, cols = patches
    half = fuse_k // 2
    table = scores.reshape(n, h * w, length)
    along = sum(shifted(table, s) for s in range(-half, half + 1))
    turned = along.view(n, h, w, rows, cols).permute(0, 2, 1, 4, 3).flatten(3).flatten(1, 2)
    across = sum(shifted(turned, s) for s in range(-half, half + 1))
    back = across.view(n, w, h, cols, rows).permute(0, 2, 1, 4, 3).reshape(n, h, w, length)
    known = valid[:, None, None, :]
    logits = softmax_scale * torch.where(known, back, torch.zeros(()))
    powers = torch.exp(logits - logits.max(-1, keepdim=True).values)
    return powers / powers.sum(-1, keepdim=True) * known
""",
        """
def fused_softmax(scores, valid, patches, fuse_k, softmax_scale):
    n, h, w, length = scores.shape
    gh, gw = patches

    def diagonals(table):
        kernel = torch.eye(fuse_k).view(1, 1, fuse_k, fuse_k)
        return F.conv2d(table.unsqueeze(1), kernel, padding=fuse_k // 2).squeeze(1)

    by_column = [i % h * w + i // h for i in range(h * w)]
    patch_by_column = [i % gh * gw + i // gh for i in range(length)]
    first = diagonals(scores.reshape(n, h * w, length))
    second = diagonals(first[:, by_column][:, :, patch_by_column])
    fused = torch.empty_like(second)
    for place, query in enumerate(by_column):
        fused[:, query, patch_by_column] = second[:, place]
    usable = valid.float().view(n, 1, length)
    shares = F.softmax(fused * usable * softmax_scale, dim=-1) * usable
    return shares.view(n, h, w, length)
""",
    ),
}

LAST = {
    "patch_extraction": (
        """
def patch_extraction(x, ksize, step):
    n, c, H, W = x.shape
    total = max(ksize - step, 0)
    before = total // 2
    big = torch.zeros(n, c, H + total, W + total)
    big[:, :, before : before + H, before : before + W] = x
    cuts = [
        big[:, :, top : top + ksize, left : left + ksize]
        for top in range(0, H, step)
        for left in range(0, W, step)
    ]
    return torch.stack(cuts, dim=1)
""",
        """
def padding_amounts(ksize, step):
    need = ksize - step
    if need < 0:
        need = 0
    first = need // 2
    second = need - first
    return first, second


def patch_extraction(x, ksize, step):
    first, second = padding_amounts(ksize, step)
    x_padded = F.pad(x, [first, second, first, second])
    windows = x_padded.unfold(2, ksize, step)
    windows = windows.unfold(3, ksize, step)
    windows = windows.permute(0, 2, 3, 1, 4, 5)
    num_patches = windows.size(1) * windows.size(2)
    return windows.reshape(x.size(0), num_patches, x.size(1), ksize, ksize)
""",
    ),
    "matching_scores": (
        """
def matching_scores(f, w):
    n, c, height, width = f.shape
    k = w.shape[-1]
    queries = F.unfold(f, kernel_size=k, padding=k // 2)
    queries = queries.transpose(1, 2)
    keys = w.reshape(n, w.shape[1], c * k * k)
    lengths = torch.sqrt((keys**2).sum(dim=2))
    lengths = torch.clamp(lengths, min=1e-4)
    dots = torch.bmm(queries, keys.transpose(1, 2))
    scores = dots / lengths[:, None, :]
    return scores.view(n, height, width, -1)
""",
        """
def matching_scores(f, w):
    n, L, c, k, _ = w.shape
    h, wd = f.shape[2], f.shape[3]
    r = k // 2
    padded = F.pad(f, (r, r, r, r))
    total = torch.zeros(n, h, wd, L)
    squares = torch.zeros(n, L)
    for dy in range(k):
        for dx in range(k):
            window = padded[:, :, dy : dy + h, dx : dx + wd]
            weight = w[:, :, :, dy, dx]
            total = total + torch.einsum("nchw,nlc->nhwl", window, weight)
            squares = squares + (weight * weight).sum(-1)
    norm = squares.sqrt().clamp(min=1e-4)
    return total / norm.reshape(n, 1, 1, L)
""",
    ),
    "fused_softmax": (
        """
def fuse(s, k):
    kernel = torch.eye(k).view(1, 1, k, k)
    return F.conv2d(s.unsqueeze(1), kernel, padding=k // 2).squeeze(1)


def fused_softmax(scores, valid, patches, fuse_k, softmax_scale):
    n, h, w, L = scores.shape
    gh, gw = patches
    s = fuse(scores.reshape(n, h * w, L), fuse_k)
    s = s.reshape(n, h, w, gh, gw)
    s = s.permute(0, 2, 1, 4, 3)
    s = fuse(s.reshape(n, w * h, gw * gh), fuse_k)
    s = s.reshape(n, w, h, gw, gh)
    s = s.permute(0, 2, 1, 4, 3)
    s = s.reshape(n, h, w, L)
    mask = valid.float().reshape(n, 1, 1, L)
    s = s * mask * softmax_scale
    return torch.softmax(s, dim=3) * mask
""",
        """
def fused_softmax(scores, valid, patches, fuse_k, softmax_scale):
    n, h, w, L = scores.shape
    r = fuse_k // 2
    col_q = torch.arange(h * w).reshape(h, w).t().flatten()
    col_p = torch.arange(L).reshape(patches).t().flatten()

    def add_diagonals(m):
        padded = F.pad(m, (r, r, r, r))
        out = torch.zeros_like(m)
        for d in range(-r, r + 1):
            out += padded[:, r + d : r + d + h * w, r + d : r + d + L]
        return out

    m = add_diagonals(scores.flatten(1, 2))
    m = add_diagonals(m[:, col_q][:, :, col_p])
    m = m[:, torch.argsort(col_q)][:, :, torch.argsort(col_p)]
    keep = valid[:, None, :].to(m.dtype)
    logits = m * keep * softmax_scale
    logits = logits - logits.max(dim=2, keepdim=True).values
    e = torch.exp(logits)
    shares = e / e.sum(dim=2, keepdim=True) * keep
    return shares.reshape(n, h, w, L)
""",
    ),
    "deconvolution": (
        """
def deconvolution(attention, paste):
    n, h, w, L = attention.shape
    c, k = paste.shape[2], paste.shape[-1]
    rate = k // 2
    mixed = torch.einsum("nhwl,nlcij->ncijhw", attention, paste)
    columns = mixed.reshape(n, c * k * k, h * w)
    size = ((h + 1) * rate, (w + 1) * rate)
    canvas = F.fold(columns, size, kernel_size=k, stride=rate)
    off = rate // 2
    picture = canvas[:, :, off : off + h * rate, off : off + w * rate]
    return picture / 4
""",
        """
def deconvolution(attention, paste):
    n, h, w, _ = attention.shape
    c, size = paste.shape[2], paste.shape[3]
    rate = size // 2
    flat_paste = paste.flatten(2)
    flat_attention = attention.flatten(1, 2)
    blended = (flat_attention @ flat_paste).view(n, h, w, c, size, size)
    picture = torch.zeros(n, c, h * rate + size, w * rate + size)
    for y in range(h):
        for x in range(w):
            top = y * rate
            left = x * rate
            picture[:, :, top : top + size, left : left + size] += blended[:, y, x]
    start = rate // 2
    picture = picture[:, :, start : start + h * rate, start : start + w * rate]
    return picture * 0.25
""",
    ),
}
