"""The faults: what is replaced by what, and which tests have to see it.

Each `old` stands exactly once in its file (tests/project/test_mutants.py holds the table to
that), so a line that is rewritten takes its faults along.
"""

from __future__ import annotations

from dataclasses import dataclass

RECORDED = ("tests/stages/test_golden.py", "tests/stages/test_oracle.py")
OUTPUT = "test_every_recorded_output"
GRADIENT = "test_gradients_are_those_of_the_stages"
IN_JAVASCRIPT = ("tests/debugger/test_javascript_parity.py",)


@dataclass(frozen=True)
class Fault:
    """One wrong edit of one file of the package."""

    stage: str
    file: str  # under ctxattn_viz
    why: str
    old: str
    new: str
    tests: tuple[str, ...]

    def applied_to(self, source: str) -> str:
        """`source` with the fault in it."""
        count = source.count(self.old)
        if count != 1:
            raise ValueError(f"{self.file}: {self.old!r} stands there {count} times, not once")
        return source.replace(self.old, self.new)


def in_stage(stage: str, name: str, *faults: tuple[str, str, str]) -> list[Fault]:
    """Faults of stages/<name>.py, for its own tests first and the slower comparisons after."""
    tests = (f"tests/stages/test_{name}.py", *RECORDED)
    return [Fault(stage, f"stages/{name}.py", *fault, tests) for fault in faults]


def without_the_matrix(name: str, *faults: tuple[str, ...]) -> list[Fault]:
    """Faults of the way without the score matrix, each with the one test that should see it."""
    return [
        Fault(
            "no matrix", f"attention/{name}.py", *edit, (f"tests/attention/test_layer.py::{test}",)
        )
        for *edit, test in faults
    ]


def in_javascript(file: str, *faults: tuple[str, str, str]) -> list[Fault]:
    return [Fault(file, f"debugger/static/{file}", *fault, IN_JAVASCRIPT) for fault in faults]


FAULTS: list[Fault] = [
    *in_stage(
        "downsampling",
        "downsampling",
        (
            "halves rounded down instead of up",
            ".double().add(0.5).floor().long()",
            ".double().add(0.5).ceil().sub(1).long()",
        ),
        ("the last pixel not aligned", "torch.tensor(size - 1.0,", "torch.tensor(size - 2.0,"),
        (
            "rows and columns swapped",
            "index_select(2, rows).index_select(3, columns)",
            "index_select(3, rows).index_select(2, columns)",
        ),
        (
            "one rule for all dialects",
            'if shrink == "floor" or out == 1:',
            "if out == 1:",
        ),
        (
            "a larger mask always cut by the floor rule",
            "_pick(mask, multiple, config.shrink)",
            '_pick(mask, multiple, "floor")',
        ),
    ),
    *in_stage(
        "patch extraction",
        "patch_extraction",
        (
            "the odd zero of the padding moved to the front",
            "return total // 2, total - total // 2",
            "return total - total // 2, total // 2",
        ),
        (
            "rows and columns within a patch swapped",
            "patches.permute(0, 2, 3, 1, 4, 5)",
            "patches.permute(0, 2, 3, 1, 5, 4)",
        ),
        (
            "the patch grid walked column by column",
            "patches[:, ::stride, ::stride].flatten(1, 2)",
            "patches[:, ::stride, ::stride].transpose(1, 2).flatten(1, 2)",
        ),
        (
            "strided patches start at the last cell",
            "patches[:, ::stride, ::stride]",
            "patches.flip(1, 2)[:, ::stride, ::stride].flip(1, 2)",
        ),
    ),
    *in_stage(
        "mask validity",
        "mask_validity",
        ("the mask inverted", "== 0).all(", "!= 0).all("),
        ("one known cell is enough", "== 0).all(", "== 0).any("),
        (
            "only the centre of a patch looked at",
            "matching_patches(downsampled_mask, config)",
            "matching_patches(downsampled_mask, config.replace(ksize=1))",
        ),
        (
            "the last sample's mask for the first's",
            "downsampled_mask = downsampled_mask[:1]",
            "downsampled_mask = downsampled_mask[-1:]",
        ),
    ),
    *in_stage(
        "matching scores",
        "matching_scores",
        ("the background norm forgotten", " / norms[:, :, None, None, None]", ""),
        ("the norm's floor 100 times higher", "min=NORM_FLOOR**2", "min=NORM_FLOOR"),
        (
            "the per-element epsilon added once a patch",
            "squares + elements * NORM_FLOOR",
            "squares + NORM_FLOOR",
        ),
        (
            "the foreground normed as well: a true cosine",
            "queries)).flatten(-3)",
            "queries)).flatten(-3)\n    p = p / p.norm(dim=-1, keepdim=True).clamp(min=1e-4)",
        ),
    ),
    *in_stage(
        "fusion",
        "fused_softmax",
        (
            "the diagonal reversed",
            "neighbours(every, d, patches, order)",
            "neighbours(every, -d, patches, order)",
        ),
        (
            "the stride forgotten along f",
            "p, p_inside = neighbours(wanted, config.stride * d,",
            "p, p_inside = neighbours(wanted, d,",
        ),
        (
            "what lies off the patches' end not left out",
            "~(p_inside[:, None] & q_inside)",
            "~p_inside[:, None]",
        ),
        (
            "the diagonal one place short",
            "range(-(config.fuse_k // 2), config.fuse_k // 2 + 1)",
            "range(-(config.fuse_k // 2), config.fuse_k // 2)",
        ),
    ),
    Fault(
        "fusion",
        "stages/calls.py",
        "both passes along the rows",
        'values["fused_rows"], queries, patches, "columns", config)',
        'values["fused_rows"], queries, patches, "rows", config)',
        RECORDED,
    ),
    *in_stage(
        "softmax",
        "fused_softmax",
        (
            "softmax_scale forgotten",
            "return fused_scores * keep * config.softmax_scale",
            "return fused_scores * keep",
        ),
        (
            "invalid patches not zeroed again after",
            '_beside(valid, fused_scores) if config.masked == "zero" else 1',
            "1",
        ),
        ("minus infinity for the valid ones", "masked_fill(~(keep | none),", "masked_fill(keep,"),
        (
            "the two rules of masking exchanged",
            'config.masked == "zero":',
            'config.masked != "zero":',
        ),
        ("normalised over the cells", "valid, config), dim=-1)", "valid, config), dim=-2)"),
    ),
    *in_stage(
        "deconvolution",
        "deconvolution",
        ("the division by 4 forgotten", "torch.full(size, 4.0,", "torch.full(size, 1.0,"),
        (
            "the crop moved to the other padding",
            "before : before + height, before : before + width",
            "after : after + height, after : after + width",
        ),
        (
            "4 and coverage exchanged",
            'config.overlap == "constant"',
            'config.overlap != "constant"',
        ),
        ("pasted patches transposed", "paste.flatten(2)", "paste.mT.flatten(2)"),
    ),
    *in_stage(
        "offset flow",
        "offset_flow",
        ("from the match to the cell", "return match - own", "return own - match"),
        (
            "rows and columns of the match swapped",
            "(best // patches[1], best % patches[1])",
            "(best % patches[1], best // patches[1])",
        ),
        ("the stride forgotten", "dim=-1) * config.stride", "dim=-1)"),
        ("hue of the mirrored direction", "torch.atan2(-v, -u)", "torch.atan2(-u, -v)"),
        ("rounded, where the original floors", "(255 * colour).floor()", "(255 * colour).round()"),
    ),
    *without_the_matrix(
        "layer",
        (
            "the overlap not divided out",
            "output / overlap(grid, config).to(output, non_blocking=True)",
            "output",
            OUTPUT,
        ),
        (
            "cells that reach into the hole shifted",
            "padded = F.pad(hole.float(), (before, after, before, after))",
            "padded = F.pad(hole.float(), (after, before, after, before))",
            "TestHole",
        ),
        (
            "f kept in the hole, not around it",
            "torch.where(hole, output,",
            "torch.where(~hole, output,",
            "TestHole",
        ),
    ),
    *without_the_matrix(
        "vectors",
        (
            "the two passes of fusion in the wrong order",
            'neighbours(cells, step * b, grid, "columns")\n'
            '        place, second = neighbours(between, step * a, grid, "rows")',
            'neighbours(cells, step * a, grid, "rows")\n'
            '        place, second = neighbours(between, step * b, grid, "columns")',
            OUTPUT,
        ),
        ("softmax_scale forgotten", "F.pad(q * config.softmax_scale,", "F.pad(q,", OUTPUT),
        (
            "masked keys missing from the denominator",
            "len(valid) - len(kept) if zero else 0",
            "0",
            OUTPUT,
        ),
        ("rows and columns swapped in the window", "left, top = (", "top, left = (", OUTPUT),
        (
            "the grid's right and left border forgotten",
            "inside[reach : h - reach, reach : w - reach]",
            "inside[reach : h - reach, :]",
            OUTPUT,
        ),
        ("softmax's own gradient cut short", "d.sub_(mean[rows]).mul_(a)", "d.mul_(a)", GRADIENT),
    ),
    *without_the_matrix(
        "diagonals",
        ("multiplied by the norms", "1 / norms, b_blocks", "norms, b_blocks", OUTPUT),
        (
            "invalid patches not zeroed again after",
            "attention.values.mul_(valid)",
            "pass",
            OUTPUT,
        ),
        (
            "softmax's own gradient turned round",
            "keepdim=True), value=-1\n",
            "keepdim=True), value=1\n",
            GRADIENT,
        ),
        (
            "the padding of b's blocks moved",
            "F.pad(b, (before, after, before, after))",
            "F.pad(b, (after, before, after, before))",
            OUTPUT,
        ),
        (
            "the gradient of a norm left out",
            "d_inverse += product.values.sum(dim=0) / inverse",
            "pass",
            GRADIENT,
        ),
    ),
    *in_javascript(
        "attention.js",
        (
            "the background norm forgotten",
            "sums[i + j * stride] / norms[q]",
            "sums[i + j * stride]",
        ),
        (
            "the diagonal reversed",
            "addAlong(sums, before(from), other.step * d, other)",
            "addAlong(sums, before(from), -other.step * d, other)",
        ),
        ("the stride forgotten", "along(at, own.step * d, own)", "along(at, d, own)"),
        (
            "the second pass along rows",
            "this.pass(p, this.F, this.G,",
            "this.pass(p, flat(this.F), flat(this.G),",
        ),
        ("softmax_scale forgotten", "valid[q] ? scale * fused[q]", "valid[q] ? fused[q]"),
        (
            "masked scores always minus infinity",
            "zero ? 0 * fused[q] : -Infinity",
            "-Infinity",
        ),
        (
            "the mask inverted",
            "(_, q) => !this.holeCells(q).length",
            "(_, q) => this.holeCells(q).length > 0",
        ),
        ("the division by 4 forgotten", '=== "constant" ? 4 :', '=== "constant" ? 1 :'),
        ("an offset from the match to the cell", "v - this.place(p)[i]", "this.place(p)[i] - v"),
    ),
]
