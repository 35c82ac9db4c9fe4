"""Right answers in styles of their own, written before the rules of stretches were last changed.

The three exercises were drawn by lot, and each has two answers: without looking at how their
mutants were marked, the rules were finished, and then tried on these once.
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
