# ruff: noqa
# fmt: off
"""Ten functions in ten styles, written by somebody who had not seen the recorder."""

import functools
import math
import time
import traceback
from collections import OrderedDict
from functools import partial, reduce

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F


# ============================================================================
# 1. contextual attention, "research repository" style
# ============================================================================

def same_padding(images, ksizes, strides, rates):
    assert len(images.size()) == 4
    _, _, rows, cols = images.size()
    out_rows, out_cols = (rows + strides[0] - 1) // strides[0], (cols + strides[1] - 1) // strides[1]
    eff_r, eff_c = [(k - 1) * r + 1 for k, r in zip(ksizes, rates)]
    pad_r = max(0, (out_rows - 1) * strides[0] + eff_r - rows)
    pad_c = max(0, (out_cols - 1) * strides[1] + eff_c - cols)
    # F.pad wants (left, right, top, bottom)
    return F.pad(images, (pad_c // 2, pad_c - pad_c // 2, pad_r // 2, pad_r - pad_r // 2))


def extract_image_patches(images, ksizes, strides, rates, padding='same'):
    """[N, C, H, W] -> [N, C*k*k, L]"""
    if padding == 'same':
        images = same_padding(images, ksizes, strides, rates)
    elif padding != 'valid':
        raise NotImplementedError('Unsupported padding type: {}'.format(padding))
    return F.unfold(images, kernel_size=ksizes, dilation=rates, padding=0, stride=strides)


def reduce_sum(x, axis=None, keepdim=False):
    if not axis:
        axis = range(len(x.shape))
    for i in sorted(axis, reverse=True):
        x = torch.sum(x, dim=i, keepdim=keepdim)
    return x


class ContextualAttention(nn.Module):
    def __init__(self, ksize=3, stride=1, rate=2, softmax_scale=10):
        super(ContextualAttention, self).__init__()
        self.ksize, self.stride, self.rate = ksize, stride, rate
        self.softmax_scale = softmax_scale

    def forward(self, f, b, mask=None):
        """ f: foreground to match, b: background to match against, mask: 1 = hole """
        raw_int_fs = list(f.size())   # b*c*h*w
        raw_int_bs = list(b.size())

        # extract patches from background with stride = rate, for pasting back
        kernel = 2 * self.rate
        raw_w = extract_image_patches(b, [kernel, kernel], [self.rate * self.stride] * 2, [1, 1])
        raw_w = raw_w.view(raw_int_bs[0], raw_int_bs[1], kernel, kernel, -1)
        raw_w = raw_w.permute(0, 4, 1, 2, 3)     # raw_shape: [N, L, C, k, k]
        raw_w_groups = torch.split(raw_w, 1, dim=0)

        # downscaling foreground option
        f = F.interpolate(f, scale_factor=1. / self.rate, mode='nearest', recompute_scale_factor=False)
        b = F.interpolate(b, scale_factor=1. / self.rate, mode='nearest', recompute_scale_factor=False)
        int_fs, int_bs = list(f.size()), list(b.size())
        f_groups = torch.split(f, 1, dim=0)  # split tensors along the batch dimension

        w = extract_image_patches(b, [self.ksize] * 2, [self.stride] * 2, [1, 1])
        w = w.view(int_bs[0], int_bs[1], self.ksize, self.ksize, -1).permute(0, 4, 1, 2, 3)
        w_groups = torch.split(w, 1, dim=0)

        # process mask
        if mask is None:
            mask = torch.zeros([1, 1, int_bs[2], int_bs[3]])
        else:
            mask = F.interpolate(mask, scale_factor=1. / self.rate, mode='nearest')
        m = extract_image_patches(mask, [self.ksize] * 2, [self.stride] * 2, [1, 1])
        m = m.view(mask.size(0), mask.size(1), self.ksize, self.ksize, -1).permute(0, 4, 1, 2, 3)
        m = m[0]    # m shape: [L, C, k, k]
        mm = (m.mean(dim=[1, 2, 3], keepdim=True) == 0.).to(torch.float32)
        mm = mm.permute(1, 0, 2, 3)     # mm shape: [1, L, 1, 1]

        y = []
        offsets = []
        scale = self.softmax_scale
        escape_NaN = torch.FloatTensor([1e-4])

        for xi, wi, raw_wi in zip(f_groups, w_groups, raw_w_groups):
            # conv for compare
            wi = wi[0]
            max_wi = torch.sqrt(reduce_sum(torch.pow(wi, 2) + escape_NaN, axis=[1, 2, 3], keepdim=True))
            wi_normed = wi / max_wi
            xi = same_padding(xi, [self.ksize] * 2, [1, 1], [1, 1])
            yi = F.conv2d(xi, wi_normed, stride=1)   # [1, L, H, W]
            yi = yi.view(1, int_bs[2] * int_bs[3], int_fs[2], int_fs[3])
            # softmax to match
            yi = yi * mm
            yi = F.softmax(yi * scale, dim=1)
            yi = yi * mm  # [1, L, H, W]

            offset = torch.argmax(yi, dim=1, keepdim=True)
            offset = torch.cat([torch.div(offset, int_fs[3], rounding_mode='floor'), offset % int_fs[3]], dim=1)

            # deconv for patch pasting
            wi_center = raw_wi[0]
            yi = F.conv_transpose2d(yi, wi_center, stride=self.rate, padding=1) / 4.  # (B=1, C=128, H=64, W=64)
            y.append(yi)
            offsets.append(offset)

        y = torch.cat(y, dim=0)
        y = y.contiguous().view(raw_int_fs)
        offsets = torch.cat(offsets, dim=0).view(int_fs[0], 2, *int_fs[2:])
        h_add = torch.arange(int_fs[2]).view([1, 1, -1, 1]).expand(int_fs[0], -1, -1, int_fs[3])
        w_add = torch.arange(int_fs[3]).view([1, 1, 1, -1]).expand(int_fs[0], -1, int_fs[2], -1)
        offsets = offsets - torch.cat([h_add, w_add], dim=1)
        return y, offsets


def contextual_attention_conv(f, b, mask):
    attn = ContextualAttention(ksize=3, stride=1, rate=2)
    y, flow = attn(f, b, mask)
    # only the hole gets replaced
    return f * (1. - mask) + y * mask, flow


def make_contextual_attention_conv():
    torch.manual_seed(1)
    mask = torch.zeros(1, 1, 16, 16)
    mask[:, :, 4:10, 6:12] = 1.
    return torch.rand(2, 3, 16, 16), torch.rand(2, 3, 16, 16), mask


# ============================================================================
# 2. einsum
# ============================================================================

def attend_einsum(fg, bg, hole, *, k=3, scale=10.0, eps=1e-4):
    # b batch | c channel | i,j query row/col | m,n key row/col | u,v inside the patch
    p = k // 2
    windows = lambda t: F.pad(t, (p,) * 4, mode="reflect").unfold(2, k, 1).unfold(3, k, 1)
    Q, K = map(windows, (fg, bg))                       # b c i j u v
    B, C, I, J, *_ = Q.shape

    norm = torch.einsum("bcmnuv,bcmnuv->bmn", K, K).add(eps).sqrt()
    score = torch.einsum("bcijuv,bcmnuv->bijmn", Q, K) / norm[:, None, None]

    valid = (windows(hole).amax(dim=(1, 4, 5)) < 0.5)   # b m n: no hole pixel in the key patch
    if not (n_valid := valid.sum()) > 0:
        raise ValueError(f"no usable key at all ({n_valid} of {valid.numel()})")

    logits = torch.where(valid[:, None, None], score * scale, torch.tensor(-1e9))
    A = logits.flatten(3).softmax(-1).view_as(score)

    # paste back: every query writes a weighted patch, overlaps averaged
    out = torch.zeros(B, C, I + 2 * p, J + 2 * p)
    cnt = torch.zeros(1, 1, I + 2 * p, J + 2 * p)
    patch = torch.einsum("bijmn,bcmnuv->bcijuv", A, K)
    for u in range(k):
        for v in range(k):
            out[:, :, u:u + I, v:v + J] += patch[..., u, v]
            cnt[..., u:u + I, v:v + J] += 1
    result = (out / cnt)[..., p:-p, p:-p]
    entropy = -torch.einsum("bijmn,bijmn->bij", A, (A + 1e-12).log())
    return {"out": torch.lerp(fg, result, hole), "entropy": entropy, "peak": A.flatten(3).max(-1)}


def make_attend_einsum():
    g = torch.Generator().manual_seed(22)
    hole = torch.zeros(2, 1, 8, 9)
    hole[0, 0, 2:5, 3:6] = hole[1, 0, :3, :2] = 1
    return torch.randn(2, 4, 8, 9, generator=g), torch.randn(2, 4, 8, 9, generator=g), hole


# ============================================================================
# 3. unfold / fold
# ============================================================================

def patch_match_fold(query_map, ref_map, patch=3, stride=1, temperature=0.1):
    '''Soft patch match.

    Parameters
    ----------
    query_map, ref_map : Tensor, (N, C, H, W)
    temperature : float
        The softmax is taken over ``similarity / temperature``.

    Returns
    -------
    (reconstruction, hard reconstruction, similarity of the best)
    '''
    args = dict(kernel_size=patch, padding=patch // 2, stride=stride)
    q, r = F.unfold(query_map, **args), F.unfold(ref_map, **args)       # N, C*k*k, L

    q_hat = q / q.norm(dim=1, keepdim=True).clamp(min=1e-6)
    r_hat = F.normalize(r, p=2, dim=1, eps=1e-6)

    sim = r_hat.transpose(1, 2) @ q_hat                                  # N, Lr, Lq
    best, where = sim.max(dim=1)

    weights = F.softmax(
        sim.div(temperature)
           .sub(best.unsqueeze(1) / temperature),
        dim=1,
    )
    soft = r @ weights
    hard = torch.gather(r, 2, where[:, None, :].expand(-1, r.shape[1], -1))

    size = query_map.shape[-2:]
    overlap = F.fold(torch.ones_like(soft), size, **args)

    def back(cols): return F.fold(cols, output_size=size, **args) / overlap

    soft_img, hard_img = (back(c) for c in (soft, hard))
    # report which one is closer
    err_s, err_h = [(im - query_map).abs().mean() for im in (soft_img, hard_img)]
    winner = "soft" if err_s < err_h else "hard"
    msg = f"{winner}: soft={err_s:.4f} hard={err_h.item():.4f} best={best.max():.3f}"
    return soft_img, hard_img, best.view(-1, 1, *size), msg


def make_patch_match_fold():
    rng = torch.Generator()
    rng.manual_seed(303)
    x = torch.rand((1, 3, 10, 12), generator=rng)
    return x, x.roll((2, -3), dims=(2, 3)) + 0.05 * torch.randn(x.shape, generator=rng)


# ============================================================================
# 4. plain loops over the query cells
# ============================================================================

def slow_match(f, b, mask, radius=1):
    # The reference version. Slow on purpose, so that I can trust it!!
    C, H, W = f.shape
    k = 2 * radius + 1
    fp = F.pad(f[None], [radius] * 4)[0]
    bp = F.pad(b[None], [radius] * 4)[0]

    # collect keys first
    keys = []
    coords = []
    for y in range(H):
        for x in range(W):
            if mask[y, x] > 0: continue       # inside the hole
            keys.append(bp[:, y:y + k, x:x + k])
            coords.append((y, x))
    keys = torch.stack(keys)
    lens = torch.sqrt((keys ** 2).sum((1, 2, 3)) + 1e-4)

    result = f.clone()
    flow = torch.zeros(H, W, 2, dtype=torch.long)
    done = 0
    for y in range(H):
        for x in range(W):
            if not mask[y, x]:
                continue
            q = fp[:, y:y+k, x:x+k]
            s = (keys * q).sum(dim=(1, 2, 3)) / lens
            s *= 10
            s -= s.max()
            p = s.exp()
            p /= p.sum()
            # the centre pixel of each key, weighted
            acc = torch.zeros(C)
            for weight, key in zip(p, keys):
                if weight < 1e-5:
                    continue
                acc += weight * key[:, radius, radius]
            result[:, y, x] = acc
            by, bx = coords[int(p.argmax())]
            flow[y, x, 0], flow[y, x, 1] = by - y, bx - x
            done += 1
    assert done == int(mask.sum().item()), "%d cells filled, wanted %s" % (done, mask.sum())
    return result, flow


def make_slow_match():
    torch.manual_seed(4)
    m = torch.zeros(6, 6)
    m[2:4, 1:4] = 1
    return torch.rand(2, 6, 6), torch.rand(2, 6, 6), m


# ============================================================================
# 5. in place, everywhere
# ============================================================================

@torch.no_grad()
def inplace_simulation(state, kernel, steps=3):
    """toy reaction-diffusion; `state` is changed by the call (!)"""
    u, v = state                      # rows are views: writing u writes state
    lap = torch.empty_like(state)
    flat = state.view(-1)
    border = torch.zeros(u.shape, dtype=torch.bool)
    border[0] = border[-1] = True
    border[:, ::u.size(1) - 1] = True

    for step in range(steps):
        lap.zero_()
        lap[:, 1:] += state[:, :-1]; lap[:, :-1] += state[:, 1:]
        lap[..., 1:].add_(state[..., :-1])
        lap[..., :-1].add_(state[..., 1:])
        lap.sub_(state, alpha=4).mul_(torch.tensor([.16, .08])[:, None, None])

        uvv = u * v * v
        u.add_(lap[0]).sub_(uvv).add_((1 - u).mul_(0.035))
        v += lap[1] + uvv - 0.1 * v
        state.clamp_(0, 1).masked_fill_(border, 0.0)
        v[border] = 0.5 if step % 2 else 0.25
        flat[::7] *= 0.9                      # damp every 7th cell, through the flat view
        u.T[2].fill_(u.mean()); u.diagonal().neg_().abs_()

    # mix the columns
    mix = u.clone()
    mix @= kernel
    mix[mix > mix.mean()] **= 2
    top = mix.narrow(0, 0, 2)
    top.copy_(v[:2]).lerp_(torch.ones_like(top), 0.3)
    idx = torch.tensor([0, 3, 3, 5])
    mix.index_add_(0, idx, torch.full((4, mix.shape[1]), 0.125))
    mix.scatter_(1, idx[:, None].remainder(mix.shape[1]), -1.0)
    torch.sigmoid_(mix[3:])                    # a view again
    a, b = mix.chunk(2)
    a, b = b, a.clone()
    a -= b; a.floor_divide_(0.01).clip_(-50, 50)
    out = torch.empty(3)
    torch.sum(mix[:, :3], 0, out=out)
    bits = mix.gt(0); bits ^= border; bits |= v > .2
    count = 0
    count += bits.sum()
    return state, mix, out, bits, count


def make_inplace_simulation():
    torch.manual_seed(55)
    s = torch.rand(2, 8, 8)
    s[0] = 1 - s[1] / 2
    return s, torch.softmax(torch.randn(8, 8), -1)


# ============================================================================
# 6. generators and comprehensions
# ============================================================================

def windows_of(signal, size, hop):
    start = 0
    while (end := start + size) <= signal.shape[-1]:
        taper = torch.hann_window(size, periodic=False)
        got = yield start, signal[..., start:end] * taper
        if got is not None and got > 0.9:     # the consumer says: too similar, jump
            start += hop
        start += hop


def spectra(chunks):
    yield from ((pos, torch.fft.rfft(w).abs().log1p()) for pos, w in chunks)


def summarise_signal(signals: dict, size: int = 16, hop: int = 8):
    # name -> list of (pos, spectrum)
    table = {name: list(spectra(windows_of(sig - sig.mean(), size, hop))) for name, sig in signals.items()}
    means = {name: torch.stack([s for _, s in rows]).mean(0) for name, rows in table.items()}
    loud = {n: [p for p, s in rows if s.sum() > means[n].sum()] for n, rows in table.items()}

    # pairwise cosine, upper triangle only
    names = sorted(means)
    pairs = {
        (p, q): F.cosine_similarity(means[p], means[q], dim=0)
        for i, p in enumerate(names)
        for q in names[i + 1:]
    }
    closest = max(pairs, key=lambda pq: pairs[pq])

    # now the two way generator (send)
    kept, previous = [], None
    gen = windows_of(signals[closest[0]], size, hop)
    pos, win = next(gen)
    try:
        while True:
            kept.append((pos, win.pow(2).mean().sqrt()))
            sim = None if previous is None else torch.dot(win, previous) / (win.norm() * previous.norm() + 1e-8)
            previous = win
            pos, win = gen.send(sim)
    except StopIteration:
        pass

    energy = sum(e for _, e in kept) / len(kept)
    ordered = torch.cat([torch.stack([means[n] for n in names]), *[s[None] for _, s in table[names[0]][:2]]])
    best_first, *others = ordered[ordered.std(1).argsort(descending=True)]
    return {"pairs": pairs, "closest": closest, "energy": energy, "loud": loud,
            "gap": any((o > best_first).all() for o in others),
            "text": "; ".join(f"{a}~{b}={c:+.3f}" for (a, b), c in pairs.items())}


def make_summarise_signal():
    torch.manual_seed(666)
    t = torch.linspace(0, 6 * math.pi, 96)
    return {'sine': t.sin(), 'noisy': t.sin() + .3 * torch.randn(96), 'saw': (t / math.pi) % 1}, 16, 8


# ============================================================================
# 7. recursion
# ============================================================================

def gauss_kernel(channels=1):
    k = torch.tensor([1., 4., 6., 4., 1.])
    return (k[:, None] * k).div_(256.).expand(channels, 1, 5, 5)

def blur(x):
    return F.conv2d(F.pad(x, (2, 2, 2, 2), 'reflect'), gauss_kernel(x.size(1)), groups=x.size(1))

def upsample_to(x, ref):
    return F.interpolate(x, size=ref.shape[2:], mode='bilinear', align_corners=False)

def laplacian(x, depth):
    """returns [finest band, ..., coarse residual]"""
    if depth == 0 or min(x.shape[-2:]) < 6:
        return [x]
    down = blur(x)[..., ::2, ::2]
    return [x - upsample_to(down, x)] + laplacian(down, depth - 1)

def collapse(bands):
    head, *tail = bands
    return head if not tail else head + upsample_to(collapse(tail), head)

def quadtree(img, thr, y=0, x=0):
    # split as long as the block is not flat; leaves are (y, x, size, mean)
    n = img.shape[-1]
    if n == 1 or img.var(unbiased=False) <= thr:
        return [(y, x, n, img.mean())]
    h = n // 2
    top, bottom = img.split(h, dim=0)
    (a, b), (c, d) = top.chunk(2, 1), bottom.chunk(2, 1)
    return (quadtree(a, thr, y, x) + quadtree(b, thr, y, x + h)
            + quadtree(c, thr, y + h, x) + quadtree(d, thr, y + h, x + h))

def pyramid_blend(A, B, mask, depth=3):
    la, lb = laplacian(A, depth), laplacian(B, depth)
    masks = [mask]
    for _ in la[1:]:
        masks.append(blur(masks[-1])[..., ::2, ::2])
    mixed = collapse([m * p + (1 - m) * q for m, p, q in zip(masks, la, lb)])

    roundtrip = (collapse(la) - A).abs().max()
    assert roundtrip < 1e-4, f'pyramid is broken: {roundtrip}'

    grey = mixed[0].mean(0)
    leaves = quadtree(grey, thr=grey.var() * 0.5)
    canvas = torch.zeros_like(grey)
    for y, x, n, m in leaves:
        canvas[y:y+n, x:x+n] = m
    return mixed.clamp(0, 1), canvas, len(leaves), [tuple(l.shape) for l in la]


def make_pyramid_blend():
    torch.manual_seed(7)
    ramp = torch.linspace(0, 1, 16).expand(16, 16)
    A = torch.stack([ramp, ramp.t(), ramp * ramp.t()])[None]
    return A, torch.rand(1, 3, 16, 16), (ramp > 0.5).float()[None, None]


# ============================================================================
# 8. numpy in the middle
# ============================================================================

def calibrate_with_numpy(logits, labels, n_bins=5):
    #---- temperature by a coarse search, in numpy because I always did it there ----#
    z = logits.detach().numpy().astype(np.float64)
    y = labels.numpy()

    def nll(T):
        s = z / T
        s = s - s.max(axis=1, keepdims=True)
        p = np.exp(s) / np.exp(s).sum(axis=1, keepdims=True)
        return float(-np.log(p[np.arange(len(y)), y] + 1e-12).mean())

    grid = torch.logspace(-0.5, 0.7, 9).tolist()
    losses = np.array([nll(T) for T in grid])
    T = grid[int(np.argmin(losses))]
    T0 = torch.tensor(1.0).item()
    gain = nll(T0) - losses.min()

    #---- back to torch ----#
    probs = torch.from_numpy(np.exp(z / T)).float()
    probs /= probs.sum(dim=1, keepdim=True)
    conf, pred = probs.max(1)
    hit = pred.eq(labels).float()

    edges = np.linspace(0., 1., n_bins + 1)
    bins = torch.as_tensor(np.digitize(conf.numpy(), edges[1:-1]))
    ece = 0.
    rows = []
    for i in range(n_bins):
        sel = bins == i
        if not sel.any():
            rows.append((i, 0, None)); continue
        c, a = conf[sel].mean(), hit[sel].mean().item()
        ece += abs(float(c) - a) * sel.float().mean().item()
        rows.append((i, int(sel.sum()), round(float(c), 4)))

    # shared memory: the numpy array and the tensor are the same thing
    confusion = torch.zeros(z.shape[1], z.shape[1])
    shared = confusion.numpy()
    np.add.at(shared, (y, pred.numpy()), 1.0)
    shared[:] /= np.maximum(shared.sum(1, keepdims=True), 1)
    diag = [float(v) for v in confusion.diagonal()]
    u, s, vt = np.linalg.svd(np.asarray(confusion))
    low = torch.from_numpy(u[:, :2] * s[:2]) @ torch.from_numpy(vt[:2])
    print_me = f"T={T:.3f} gain={gain:.4f} ECE={ece:.4f} acc={hit.mean():.2%} rank2 err={np.abs(low.numpy() - shared).max():.3f}"
    return probs, confusion, low, rows, diag, print_me


def make_calibrate_with_numpy():
    gen = torch.Generator().manual_seed(88)
    y = torch.randint(0, 4, (40,), generator=gen)
    return 3 * torch.randn(40, 4, generator=gen) + 2 * F.one_hot(y, 4), y


# ============================================================================
# 9. an exception half way
# ============================================================================

def _split_heads(t, heads):
    n, d = t.shape
    return t.reshape(n, heads, d // heads).transpose(0, 1)


def _merge(memory, update, gate):
    def blend(old, new):
        # FIXME assumes that the memory is as wide as the model
        g = torch.sigmoid(gate).unsqueeze(-1)
        return g * new + (1 - g) * old
    return blend(memory, update)


def memory_step(tokens, memory, wq, wkv, heads=2):
    """One read/write step on an external memory (tokens: n x d, memory: m x d)."""
    mu, sd = tokens.mean(0), tokens.std(0)
    x = (tokens - mu) / (sd + 1e-5)
    q = _split_heads(x @ wq, heads)
    k, v = (_split_heads(t, heads) for t in (x @ wkv).chunk(2, dim=-1))

    scores = q @ k.transpose(-2, -1)
    scores *= q.shape[-1] ** -0.5
    n = scores.size(-1)
    causal = torch.ones(n, n).tril().bool()
    attn = scores.masked_fill(~causal, float('-inf')).softmax(-1)
    read = (attn @ v).transpose(0, 1).flatten(1)

    if (total := attn.sum(-1)).sub(1).abs().max() > 1e-4:
        raise RuntimeError(f"rows do not sum to one: {total}")

    x = x + read
    first, *_, last = x
    gate = (x * last).sum(-1) - first.dot(last)
    try:
        new_memory = _merge(memory, x, gate)      # n != m, boom
    finally:
        gate = gate.tanh()                        # still executed
    return new_memory.relu(), gate


def make_memory_step():
    torch.manual_seed(9)
    d = 8
    return torch.randn(5, d), torch.randn(7, d), torch.randn(d, d) / d ** .5, torch.randn(d, 2 * d) / d ** .5


# ============================================================================
# 10. modules in modules, hooks, decorators, callbacks
# ============================================================================

def timed(fn):
    @functools.wraps(fn)
    def wrapper(self, *args, **kwargs):
        t0 = time.perf_counter()
        try:
            return fn(self, *args, **kwargs)
        finally:
            self.calls = getattr(self, 'calls', 0) + 1
            self.elapsed = time.perf_counter() - t0
    return wrapper


class Lambda(nn.Module):
    def __init__(self, fn):
        super().__init__()
        self.fn = fn

    def forward(self, x): return self.fn(x)


class SqueezeExcite(nn.Module):
    def __init__(self, ch, r=2):
        super().__init__()
        self.gate = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(ch, ch // r, 1), nn.SiLU(),
                                  nn.Conv2d(ch // r, ch, 1), Lambda(torch.sigmoid))

    def forward(self, x):
        return x * self.gate(x)


class Block(nn.Module):
    def __init__(self, ch, act=partial(F.leaky_relu, negative_slope=0.1), skip=True):
        super().__init__()
        self.body = nn.Sequential(OrderedDict([
            ('conv', nn.Conv2d(ch, ch, 3, padding=1, bias=False)),
            ('norm', nn.GroupNorm(2, ch)),
            ('act', Lambda(act)),
            ('se', SqueezeExcite(ch)),
        ]))
        self.skip = skip

    @timed
    def forward(self, x, *extra, scale=1.0):
        y = self.body(x) * scale
        for e in extra:
            y += e.mean((2, 3), keepdim=True)
        return x + y if self.skip else y


class Watcher:
    def __init__(self): self.stats = {}

    def on_forward(self, name, module, inputs, output):
        x, *_ = inputs
        self.stats[name] = (x.detach().std(), output.detach().abs().max().item())

    def dead(self, out, limit=1e-3):
        return (out.flatten(2).amax(-1) - out.flatten(2).amin(-1) < limit).sum().item()


class TinyNet(nn.Module):
    def __init__(self, ch=4, classes=3):
        super().__init__()
        self.stem = nn.Conv2d(1, ch, 3, stride=2, padding=1)
        self.blocks = nn.ModuleList([Block(ch), Block(ch, act=lambda t: t.clamp(min=0) ** 2, skip=False)])
        self.head = nn.Sequential(nn.AdaptiveMaxPool2d(2), nn.Flatten(), nn.Linear(ch * 4, classes))

    def forward(self, x, callback=None):
        feats = [self.stem(x)]
        for i, blk in enumerate(self.blocks):
            feats.append(blk(feats[-1], *feats[:i], scale=0.5 ** i))
        extras = [callback(f) for f in feats] if callback else []
        return self.head(reduce(torch.add, feats) / len(feats)), extras


def train_and_probe(net, images, target, lr=0.05):
    w = Watcher()
    handles = [m.register_forward_hook(partial(w.on_forward, n)) for n, m in net.named_modules() if isinstance(m, Block)]
    try:
        (logits, dead) = net(images, callback=w.dead)
        loss = F.cross_entropy(logits, target) + 1e-3 * sum(p.pow(2).sum() for p in net.parameters())
        loss.backward()
        with torch.no_grad():
            norm = torch.stack([p.grad.norm() for p in net.parameters() if p.grad is not None]).norm()
            for p in net.parameters():
                p -= lr * p.grad * (1 / norm if norm > 1 else 1.)
                p.grad = None
            after = F.cross_entropy(net(images)[0], target)
    finally:
        for h in handles: h.remove()
    verdict = 'better' if after < loss else 'worse'
    return logits.detach(), dead, w.stats, f'{loss:.4f} -> {after.item():.4f} ({verdict}, |g|={norm:.3g})'


def make_train_and_probe():
    torch.manual_seed(1010)
    return TinyNet(), torch.randn(4, 1, 12, 12), torch.tensor([0, 2, 1, 2])


FUNCTIONS = [
    ("contextual_attention_conv", contextual_attention_conv, make_contextual_attention_conv),
    ("attend_einsum", attend_einsum, make_attend_einsum),
    ("patch_match_fold", patch_match_fold, make_patch_match_fold),
    ("slow_match", slow_match, make_slow_match),
    ("inplace_simulation", inplace_simulation, make_inplace_simulation),
    ("summarise_signal", summarise_signal, make_summarise_signal),
    ("pyramid_blend", pyramid_blend, make_pyramid_blend),
    ("calibrate_with_numpy", calibrate_with_numpy, make_calibrate_with_numpy),
    ("memory_step", memory_step, make_memory_step),      # raises
    ("train_and_probe", train_and_probe, make_train_and_probe),
]


if __name__ == "__main__":
    torch.set_num_threads(1)   # tiny tensors: with more threads a busy machine makes each call slow
    for name, fn, make in FUNCTIONS:
        for attempt in (1, 2):
            args = make()
            t = time.perf_counter()
            try:
                out = fn(*args)
                what = "ok, " + str([tuple(o.shape) if torch.is_tensor(o) else type(o).__name__ if not isinstance(o, str) else o
                                     for o in (out.values() if isinstance(out, dict) else out)])
            except Exception as e:
                what = "raised %s: %s" % (type(e).__name__, e)
                if name != "memory_step":
                    traceback.print_exc()
            print(f"{name:28s} #{attempt} {time.perf_counter() - t:.3f}s  {what}")
