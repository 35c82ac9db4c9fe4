"""The faults: what is replaced by what, and which tests have to see it.

A fault of Python names the function and the expression (or statements) in it that it replaces. Line
breaks, brackets, quotes and comments do not matter, and the function may move within its file. In
TypeScript it is exact text. Either stands there exactly once: tests/project/test_mutants.py holds
the table to that, so whoever rewrites the code takes its faults along.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

RECORDED = ("tests/stages/test_golden.py", "tests/stages/test_oracle.py")
OUTPUT = "test_every_recorded_output"
GRADIENT = "test_gradients_are_those_of_the_stages"
TESTS_OF_MAPS = ("tests/traces/test_maps.py",)
IN_JAVASCRIPT = ("tests/debugger/test_javascript_parity.py",)


@dataclass(frozen=True)
class Fault:
    """One wrong edit of one file, as text."""

    stage: str
    file: str
    why: str
    old: str
    new: str
    tests: tuple[str, ...]

    @property
    def path(self) -> Path:
        """The file, from the root of the repository."""
        return Path("ctxattn_viz", self.file)

    def applied_to(self, source: str) -> str:
        """`source` with the fault in it."""
        self.check_that_one(source.count(self.old))
        return source.replace(self.old, self.new)

    def check_that_one(self, count: int) -> None:
        if count != 1:
            raise ValueError(f"{self.file}: {self.old!r} stands there {count} times, not once")


@dataclass(frozen=True)
class EngineFault(Fault):
    """An edit of the front end's engine, in TypeScript."""

    @property
    def path(self) -> Path:
        return Path("frontend", "engine", self.file)


@dataclass(frozen=True)
class PythonFault(Fault):
    """One expression of one function, or statements that follow each other, replaced by another."""

    function: str  # as "Class.method"; empty where it is no function's

    def applied_to(self, source: str) -> str:
        scope = named(self.function, ast.parse(source), self.file)
        expression = parsed(self.old)
        if isinstance(expression, ast.expr):
            places = [[node] for node in ast.walk(scope) if isinstance(node, ast.expr)]
            wanted, new = ast.unparse(expression), f"({self.new})"
        else:
            places = runs_of_statements(scope, len(expression))
            wanted, new = unparsed(expression), self.new
        places = [nodes for nodes in places if unparsed(nodes) == wanted]
        self.check_that_one(len(places))
        start, end = extent(places[0], source)
        return (source.encode()[:start] + new.encode() + source.encode()[end:]).decode()


def parsed(code: str) -> ast.expr | list[ast.stmt]:
    """One expression, or else statements, which may stand on one line with `;` between them."""
    try:
        return ast.parse(code, mode="eval").body
    except SyntaxError:
        return ast.parse(code).body


def unparsed(nodes: Sequence[ast.AST]) -> str:
    return "\n".join(map(ast.unparse, nodes))


def named(function: str, tree: ast.AST, file: str) -> ast.AST:
    """The node of "function" or "Class.method"; the tree itself without a name."""
    for name in filter(None, function.split(".")):
        nodes = (n for n in ast.iter_child_nodes(tree) if getattr(n, "name", None) == name)
        if (node := next(nodes, None)) is None:
            raise ValueError(f"{file}: there is no {function}")
        tree = node
    return tree


def runs_of_statements(scope: ast.AST, length: int) -> list[list[ast.stmt]]:
    """Every `length` statements that follow each other in one block."""
    values = [value for node in ast.walk(scope) for _, value in ast.iter_fields(node)]
    blocks = [v for v in values if isinstance(v, list) and v and isinstance(v[0], ast.stmt)]
    return [block[i : i + length] for block in blocks for i in range(len(block) - length + 1)]


def extent(nodes: Sequence[ast.AST], source: str) -> tuple[int, int]:
    """Where nodes that follow each other begin and end, in bytes."""
    lines = [0, *accumulate(map(len, source.encode().splitlines(keepends=True)))]
    first, last = nodes[0], nodes[-1]
    return lines[first.lineno - 1] + first.col_offset, lines[
        last.end_lineno - 1
    ] + last.end_col_offset


def in_stage(stage: str, name: str, *faults: tuple[str, str, str, str]) -> list[Fault]:
    """Faults of stages/<name>.py, for its own tests first and the slower comparisons after."""
    tests = (f"tests/stages/test_{name}.py", *RECORDED)
    return [
        PythonFault(stage, f"stages/{name}.py", why, old, new, tests, function)
        for function, why, old, new in faults
    ]


def without_the_matrix(name: str, *faults: tuple[str, str, str, str, str]) -> list[Fault]:
    """Faults of the way without the score matrix, each with the one test that should see it."""
    file, tests = f"attention/{name}.py", "tests/attention/test_layer.py"
    return [
        PythonFault("no matrix", file, why, old, new, (f"{tests}::{test}",), function)
        for function, why, old, new, test in faults
    ]


def in_recorder(*faults: tuple[str, str, str, str, str, str]) -> list[Fault]:
    """Faults of recordings, each with the one test that should see it."""
    return [
        PythonFault(
            "recorder",
            f"recording/{file}.py",
            why,
            old,
            new,
            (f"tests/recording/test_{test}",),
            function,
        )
        for file, function, why, old, new, test in faults
    ]


def in_findings(name: str, *faults: tuple[str, str, str, str, str]) -> list[Fault]:
    """Faults of what is said of a run, each with the one test that should see it."""
    file, tests = f"traces/{name}.py", "tests/traces/test_findings.py"
    return [
        PythonFault("findings", file, why, old, new, (f"{tests}::{test}",), function)
        for function, why, old, new, test in faults
    ]


def in_gradients(*faults: tuple[str, str, str, str]) -> list[Fault]:
    """Faults of `Trace.gradient`, each with the one test that should see it."""
    file, tests = "traces/gradients.py", "tests/traces/test_gradients.py"
    return [
        PythonFault("gradients", file, why, old, new, (f"{tests}::{test}",), "gradient_of")
        for why, old, new, test in faults
    ]


def in_variants(module: str, *faults: tuple[str, str, str, str]) -> list[Fault]:
    """Faults of what stands in for a stage, each to be seen against its loops."""
    file, test = f"variants/{module}.py", "tests/variants/test_variants.py"
    tests = (f"{test}::test_a_variant_does_what_its_loops_do",)
    return [
        PythonFault("variants", file, why, old, new, tests, function)
        for function, why, old, new in faults
    ]


def in_maps(*faults: tuple[str, str, str, str, str]) -> list[Fault]:
    """Faults of the maps of doubt."""
    return [
        PythonFault("maps", f"traces/{name}.py", why, old, new, TESTS_OF_MAPS, function)
        for name, function, why, old, new in faults
    ]


def in_engine(*faults: tuple[str, str, str, str]) -> list[Fault]:
    return [EngineFault("engine", *fault, IN_JAVASCRIPT) for fault in faults]


def of_mechanisms(*faults: tuple[str, str, str, str]) -> list[Fault]:
    """Faults of what is shown tick by tick."""
    tests = ("tests/debugger/test_mechanisms.py",)
    return [
        EngineFault("mechanisms", f"mechanisms/{file}", *fault, tests) for file, *fault in faults
    ]


def in_swapping(*faults: tuple[str, str, str, str, str, str]) -> list[Fault]:
    """Faults of runs in which a function stands in for a stage, each with its one test."""
    tests = "tests/traces/test_swapping.py"
    return [
        PythonFault("swapping", f"traces/{file}.py", why, old, new, (f"{tests}::{test}",), function)
        for file, function, why, old, new, test in faults
    ]


FAULTS: list[Fault] = [
    *in_stage(
        "downsampling",
        "downsampling",
        (
            "nearest_indices",
            "halves rounded down instead of up",
            "(index.float() * scale).double().add(0.5).floor()",
            "(index.float() * scale).double().add(0.5).ceil().sub(1)",
        ),
        (
            "nearest_indices",
            "the last pixel not aligned",
            "size - 1.0",
            "size - 2.0",
        ),
        (
            "_pick",
            "rows and columns swapped",
            "x.index_select(2, rows).index_select(3, columns)",
            "x.index_select(3, rows).index_select(2, columns)",
        ),
        (
            "nearest_indices",
            "one rule for all dialects",
            'shrink == "floor" or out == 1',
            "out == 1",
        ),
        (
            "mask_at",
            "a larger mask always cut by the floor rule",
            "config.shrink",
            '"floor"',
        ),
    ),
    *in_stage(
        "patch extraction",
        "patch_extraction",
        (
            "same_padding",
            "the odd zero of the padding moved to the front",
            "(total // 2, total - total // 2)",
            "(total - total // 2, total // 2)",
        ),
        (
            "extract_patches",
            "rows and columns within a patch swapped",
            "patches.permute(0, 2, 3, 1, 4, 5)",
            "patches.permute(0, 2, 3, 1, 5, 4)",
        ),
        (
            "_strided",
            "the patch grid walked column by column",
            "patches[:, ::stride, ::stride]",
            "patches[:, ::stride, ::stride].transpose(1, 2)",
        ),
        (
            "_strided",
            "strided patches start at the last cell",
            "patches[:, ::stride, ::stride]",
            "patches.flip(1, 2)[:, ::stride, ::stride].flip(1, 2)",
        ),
    ),
    *in_stage(
        "mask validity",
        "mask_validity",
        (
            "valid_patches",
            "the mask inverted",
            "matching_patches(downsampled_mask, config) == 0",
            "matching_patches(downsampled_mask, config) != 0",
        ),
        (
            "valid_patches",
            "one known cell is enough",
            "(matching_patches(downsampled_mask, config) == 0).all",
            "(matching_patches(downsampled_mask, config) == 0).any",
        ),
        (
            "valid_patches",
            "only the centre of a patch looked at",
            "matching_patches(downsampled_mask, config)",
            "matching_patches(downsampled_mask, config.replace(ksize=1))",
        ),
        (
            "valid_patches",
            "the last sample's mask for the first's",
            "downsampled_mask[:1]",
            "downsampled_mask[-1:]",
        ),
    ),
    *in_stage(
        "matching scores",
        "matching_scores",
        (
            "normed_patches",
            "the background norm forgotten",
            "lifted(matching_patches) / norms[:, :, None, None, None]",
            "lifted(matching_patches)",
        ),
        (
            "norms_from_squares",
            "the norm's floor 100 times higher",
            "NORM_FLOOR**2",
            "NORM_FLOOR",
        ),
        (
            "norms_from_squares",
            "the per-element epsilon added once a patch",
            "elements * NORM_FLOOR",
            "NORM_FLOOR",
        ),
        (
            "matching_scores",
            "the foreground normed as well: a true cosine",
            "p.flatten(1, -2)",
            "p.flatten(1, -2) / p.flatten(1, -2).norm(dim=-1, keepdim=True).clamp(min=1e-4)",
        ),
    ),
    *in_stage(
        "fusion",
        "fused_softmax",
        (
            "fuse",
            "the diagonal reversed",
            "neighbours(every, d, patches, order)",
            "neighbours(every, -d, patches, order)",
        ),
        (
            "fuse",
            "the stride forgotten along f",
            "config.stride * d",
            "d",
        ),
        (
            "fuse",
            "what lies off the patches' end not left out",
            "p_inside[:, None] & q_inside",
            "p_inside[:, None]",
        ),
        (
            "_diagonal",
            "the diagonal one place short",
            "range(-(config.fuse_k // 2), config.fuse_k // 2 + 1)",
            "range(-(config.fuse_k // 2), config.fuse_k // 2)",
        ),
    ),
    PythonFault(
        "fusion",
        "stages/calls.py",
        "both passes along the rows",
        '"columns"',
        '"rows"',
        RECORDED,
        "fuse_along_columns",
    ),
    *in_stage(
        "softmax",
        "fused_softmax",
        (
            "logits",
            "softmax_scale forgotten",
            "fused_scores * keep * config.softmax_scale",
            "fused_scores * keep",
        ),
        (
            "masked_softmax",
            "invalid patches not zeroed again after",
            '_beside(valid, fused_scores) if config.masked == "zero" else 1',
            "1",
        ),
        (
            "logits",
            "minus infinity for the valid ones",
            "~(keep | none)",
            "keep",
        ),
        (
            "logits",
            "the two rules of masking exchanged",
            'config.masked == "zero"',
            'config.masked != "zero"',
        ),
        (
            "masked_softmax",
            "normalised over the cells",
            "torch.softmax(logits(fused_scores, valid, config), dim=-1)",
            "torch.softmax(logits(fused_scores, valid, config), dim=-2)",
        ),
    ),
    *in_stage(
        "deconvolution",
        "deconvolution",
        (
            "overlap",
            "the division by 4 forgotten",
            "4.0",
            "1.0",
        ),
        (
            "_fold",
            "the crop moved to the other padding",
            "folded[:, :, before : before + height, before : before + width]",
            "folded[:, :, after : after + height, after : after + width]",
        ),
        (
            "overlap",
            "4 and coverage exchanged",
            'config.overlap == "constant"',
            'config.overlap != "constant"',
        ),
        (
            "mix_patches",
            "pasted patches transposed",
            "paste.flatten(2)",
            "paste.mT.flatten(2)",
        ),
    ),
    *in_stage(
        "offset flow",
        "offset_flow",
        (
            "displacements",
            "from the match to the cell",
            "match - own",
            "own - match",
        ),
        (
            "displacements",
            "rows and columns of the match swapped",
            "(best // patches[1], best % patches[1])",
            "(best % patches[1], best // patches[1])",
        ),
        (
            "displacements",
            "the stride forgotten",
            "config.stride",
            "1",
        ),
        (
            "flow_picture",
            "hue of the mirrored direction",
            "torch.atan2(-v, -u)",
            "torch.atan2(-u, -v)",
        ),
        (
            "flow_picture",
            "rounded, where the original floors",
            "(255 * colour).floor",
            "(255 * colour).round",
        ),
    ),
    *without_the_matrix(
        "methods",
        (
            "_by_diagonals",
            "the overlap not divided out",
            "output / overlap(grid, config).to(output, non_blocking=True)",
            "output",
            OUTPUT,
        ),
        (
            "cells_reaching_into",
            "cells that reach into the hole shifted",
            "(before, after, before, after)",
            "(after, before, after, before)",
            "TestHole",
        ),
    ),
    *without_the_matrix(
        "layer",
        (
            "_output",
            "f kept in the hole, not around it",
            'torch.where(hole, output, 0 if rest == "zero" else f)',
            'torch.where(~hole, output, 0 if rest == "zero" else f)',
            "TestHole",
        ),
    ),
    *without_the_matrix(
        "vectors",
        (
            "_destinations",
            "the two passes of fusion in the wrong order",
            'between, on_column = neighbours(cells, b, grid, "columns"); '
            'place, on_row = neighbours(between, a, grid, "rows")',
            'between, on_column = neighbours(cells, a, grid, "rows"); '
            'place, on_row = neighbours(between, b, grid, "columns")',
            OUTPUT,
        ),
        (
            "window_keys",
            "rows and columns swapped in the window",
            "left, top",
            "top, left",
            OUTPUT,
        ),
        (
            "_away_from_border",
            "the grid's right and left border forgotten",
            "inside[reach : h - reach, reach : w - reach]",
            "inside[reach : h - reach, :]",
            OUTPUT,
        ),
    ),
    *without_the_matrix(
        "blocks",
        (
            "masked_keys",
            "softmax_scale forgotten",
            "q * config.softmax_scale",
            "q",
            OUTPUT,
        ),
        (
            "masked_keys",
            "masked keys missing from the denominator",
            "len(valid) - len(kept) if zero else 0",
            "0",
            OUTPUT,
        ),
        (
            "_AttentionInBlocks.backward",
            "softmax's own gradient cut short",
            "d_a.sub_(mean[rows])",
            "d_a",
            GRADIENT,
        ),
    ),
    *without_the_matrix(
        "diagonals",
        (
            "diagonal_attention",
            "multiplied by the norms",
            "1 / norms",
            "norms",
            OUTPUT,
        ),
        (
            "_attention",
            "invalid patches not zeroed again after",
            "attention.values.mul_(valid)",
            "None",
            OUTPUT,
        ),
        (
            "_DiagonalAttention.backward",
            "softmax's own gradient turned round",
            "d_fused.values.addcmul_(a.values, d_fused.values.sum(dim=1, keepdim=True), value=-1)",
            "d_fused.values.addcmul_(a.values, d_fused.values.sum(dim=1, keepdim=True), value=1)",
            GRADIENT,
        ),
        (
            "cut_blocks",
            "the padding of b's blocks moved",
            "(before, after, before, after)",
            "(after, before, after, before)",
            OUTPUT,
        ),
        (
            "_DiagonalAttention.backward",
            "the gradient of a norm left out",
            "d_inverse += product.values.sum(dim=0) / inverse",
            "pass",
            GRADIENT,
        ),
    ),
    *in_recorder(
        (
            "values",
            "Values.number",
            "a view keeps its number when its memory is written through another",
            "known.writes != self._writes.get(known.memory, 0)",
            "False",
            "values.py::test_an_operand_has_the_number_of_what_it_holds",
        ),
        (
            "values",
            "Values.before_write",
            "a large tensor not copied before it is written",
            "for kept in originals: self._copy(kept)",
            "pass",
            "values.py::test_a_value_is_kept_from_before_it_is_written",
        ),
        (
            "values",
            "Values._spend",
            "the budget not kept",
            "size > self._left",
            "False",
            "values.py::test_the_budget_holds",
        ),
        (
            "values",
            "Values._has_changed",
            "what NumPy writes not noticed",
            "known.memory not in self._shared",
            "True",
            "values.py::test_a_write_that_nobody_tells_of_is_a_gap",
        ),
        (
            "calls",
            "may_write",
            "`out=` not taken for a write",
            'keywords.get("out") is not None',
            "False",
            "values.py::test_a_value_is_kept_from_before_it_is_written",
        ),
        (
            "recorder",
            "Recorder._after",
            "what was written keeps the number that it had",
            "version != version_of(x)",
            "False",
            "recorder.py::test_nested_expressions_slices_and_in_place_statements",
        ),
        (
            "recorder",
            "Recorder.left_line",
            "a tensor that appears in a variable from nowhere taken as known",
            "self.values.is_unseen(x)",
            "False",
            "recorder.py::test_what_cannot_be_seen_is_one_gap_at_its_place",
        ),
        (
            "frames",
            "Frames._hear",
            "turns of a loop on one line not counted",
            "frame.f_lineno == entered.line",
            "False",
            "recorder.py::test_comprehensions_belong_to_their_function",
        ),
        (
            "frames",
            "Frames._turn",
            "an inner loop goes on counting in the outer's next turn",
            "del entered.turns[other]",
            "pass",
            "recorder.py::test_turns_of_loops",
        ),
        (
            "frames",
            "loops_around",
            "what a loop goes over counted among its turns",
            "[outer] * (inner in outer.body)",
            "[outer]",
            "recorder.py::test_turns_of_loops",
        ),
        (
            "places",
            "same_code",
            "a changed constant not noticed",
            "(code.co_name, code.co_code, code.co_names, constants, list(code.co_positions()))",
            "(code.co_name, code.co_code, code.co_names, list(code.co_positions()))",
            "recorder.py::test_a_source_that_has_changed_says_so",
        ),
        (
            "run",
            "_function",
            "the tracer left behind",
            "recorder.frames.stop()",
            "None",
            "equal.py::test_nothing_stays_behind_after_an_exception",
        ),
        (
            "recording",
            "Recording.first",
            "a NaN that came in taken for one that was born",
            "not given",
            "True",
            "text.py::test_where_the_first_nan_and_infinity_come_from",
        ),
    ),
    *in_gradients(
        (
            "what is pasted taken for what is compared",
            "paste_patches(for_values, config)[0][:, channels]",
            "paste_patches(for_scores + 0 * for_values, config)[0][:, channels]",
            "test_what_comes_through_values_is_the_attention_by_hand",
        ),
        (
            "the division by the overlap forgotten",
            "float(overlap(grid, config)[0, 0, at[0], at[1]])",
            "1.0",
            "test_of_a_pixel_is_that_of_the_whole_layer",
        ),
        (
            "every channel counted",
            "slice(channel, channel + 1)",
            "slice(None)",
            "test_of_a_query_is_that_of_the_patch_that_it_pastes",
        ),
    ),
    *in_findings(
        "cells",
        (
            "swept",
            "the entropy of shares that do not add up to 1",
            "torch.special.entr(shares).sum(dim=1) / total + total.log()",
            "torch.special.entr(shares).sum(dim=1)",
            "test_the_numbers_are_those_of_the_matrix",
        ),
        (
            "rim_patches",
            "the rim a cell too narrow",
            "values.config.ksize // 2 + 1",
            "values.config.ksize // 2",
            "test_best_matches_in_the_rim",
        ),
    ),
    *in_findings(
        "births",
        (
            "_reached",
            "what fusion hands on taken for new",
            "bad[cells] & inside",
            "bad[cells] & ~inside",
            "test_nothing_is_born_where_nan_is_only_handed_on",
        ),
    ),
    *in_findings(
        "findings",
        (
            "_leaks",
            "patches of another sample's mask taken for leaks",
            "leaking & ~own_valid",
            "leaking & own_valid",
            "test_a_hole_that_another_samples_mask_does_not_have",
        ),
        (
            "_of_queries",
            "an average also where all patches are alike",
            "(cells.effective_patches > AVERAGE * valid) & (cells.from_mean < cells.from_best)",
            "cells.effective_patches > AVERAGE * valid",
            "test_patches_that_all_look_alike_are_not_averaged",
        ),
    ),
    *in_findings(
        "facts",
        (
            "_fusion",
            "the wrap of rows at the end of columns",
            "(row, w - 1)",
            "(h - 1, row)",
            "test_facts_have_the_places_that_they_name",
        ),
    ),
    *in_variants(
        "matching_scores",
        (
            "distance",
            "the patch's own length forgotten",
            "q.square().sum(dim=-1)[:, None, None] - 2 * _products(p, q)",
            "-2 * _products(p, q)",
        ),
        ("projection", "the query's mean left in", "p - mean[:, None]", "p"),
        (
            "projection",
            "the least directions kept",
            "torch.linalg.eigh(covariance).eigenvectors[:, :, -KEPT:]",
            "torch.linalg.eigh(covariance).eigenvectors[:, :, :KEPT]",
        ),
    ),
    *in_variants(
        "fusion",
        (
            "ones_along_columns",
            "the turned grid not turned back",
            "_column_by_column(ones_along_rows(turned, config), grid[::-1])",
            "_column_by_column(ones_along_rows(turned, config), grid)",
        ),
        (
            "fusion_after_softmax",
            "shares of invalid patches kept after fusion",
            "shares * valid[:, None, None]",
            "shares",
        ),
    ),
    *in_variants(
        "masked_softmax",
        ("hard_argmax", "the best of all patches", "~keep", "~keep & False"),
        (
            "known_share",
            "outside of b counts as hole",
            "1 - F.avg_pool2d(holes, config.ksize, stride=1, padding=config.ksize // 2)",
            "F.avg_pool2d(1 - holes, config.ksize, stride=1, padding=config.ksize // 2)",
        ),
    ),
    *in_maps(
        (
            "maps",
            "margins",
            "a neighbour of the best match counts as a second place",
            "shares.scatter(1, near, 0.0)",
            "shares.scatter(1, best[:, None], 0.0)",
        ),
        (
            "maps",
            "agreement",
            "a neighbour beyond the grid agrees with nobody",
            "agreeing / neighbours",
            "agreeing / 4",
        ),
        (
            "maps",
            "error_map",
            "channels added up",
            "(output - truth.to(output.dtype)).abs().mean(dim=0)",
            "(output - truth.to(output.dtype)).abs().sum(dim=0)",
        ),
        (
            "cells",
            "swept",
            "one NaN row spoils every patch",
            "shares.nansum(dim=0)",
            "shares.sum(dim=0)",
        ),
    ),
    *in_engine(
        (
            "matching.ts",
            "the background norm forgotten",
            "scores[q] *= inverseNorms[q];",
            "",
        ),
        (
            "matching.ts",
            "a column's norm forgotten",
            "scores[p] *= inverse;",
            "",
        ),
        (
            "correlation.ts",
            "the first line of a patch taken for all",
            "this.cell(y + d, x)",
            "this.cell(y, x)",
        ),
        (
            "fusion.ts",
            "the diagonal reversed",
            "shift: other.step * d }",
            "shift: -other.step * d }",
        ),
        (
            "fusion.ts",
            "the stride forgotten",
            "along(index, own.step * d, own)",
            "along(index, d, own)",
        ),
        (
            "fusion.ts",
            "the second pass along rows",
            "sumAlongDiagonal(p, queryGrid, patchGrid,",
            "sumAlongDiagonal(p, flat(queryGrid), flat(patchGrid),",
        ),
        (
            "softmax.ts",
            "softmax_scale forgotten",
            "const scale = config.softmax_scale;",
            "const scale = 1;",
        ),
        (
            "softmax.ts",
            "masked scores always minus infinity",
            'config.masked === "zero" && hidden > 0',
            "false",
        ),
        (
            "softmax.ts",
            "all but the best match negligible",
            "best + Math.log(negligible)",
            "negligible > 0 ? best : Number.NEGATIVE_INFINITY",
        ),
        (
            "attention.ts",
            "the mask inverted",
            "this.holeCells(q).length === 0 ? 1 : 0",
            "this.holeCells(q).length === 0 ? 0 : 1",
        ),
        (
            "maps.ts",
            "a neighbour of the best match counts as a second place",
            "share > second && !isNear(q)",
            "share > second && q !== argmax",
        ),
        (
            "maps.ts",
            "the neighbours of a query beside it at any stride",
            "row + down * config.stride",
            "row + down",
        ),
        (
            "ledger.ts",
            "the division by 4 forgotten",
            "return 4;",
            "return 1;",
        ),
        (
            "attention.ts",
            "an offset from the match to the cell",
            "[matchRow - row, matchColumn - column]",
            "[row - matchRow, column - matchColumn]",
        ),
    ),
    *of_mechanisms(
        (
            "matching.ts",
            "a sum that runs one term ahead",
            "const sum = sums[done];",
            "const sum = sums[Math.min(done + 1, count)];",
        ),
        (
            "fusion.ts",
            "the second pass adds scores, not the sums of the first",
            "value: sum,",
            "value: middle.value,",
        ),
        (
            "fusion.ts",
            "the end of a row looked for among columns",
            "leaves(0, middleOfQuery, term.p, queryGrid)",
            "leaves(1, middleOfQuery, term.p, queryGrid)",
        ),
        (
            "softmax.ts",
            "what touches the hole counts once",
            "isCounted ? count * Math.exp(0 - top) : 0",
            "isCounted ? Math.exp(0 - top) : 0",
        ),
        (
            "deconvolution.ts",
            "the window of pixels not divided by what lies there",
            "attention.divisor(box.top + y, box.left + x)",
            "attention.divisor(y, x)",
        ),
        (
            "offset.ts",
            "the last of equals leads",
            "if (shares[q] > largest) {",
            "if (shares[q] >= largest) {",
        ),
    ),
    *in_swapping(
        (
            "rows",
            "computed_rows",
            "rows are computed past a stage that was swapped",
            "key in values.swapped",
            "False",
            "test_rows_are_those_of_the_whole_run_without_it",
        ),
        (
            "cells",
            "_fused_scores",
            "long vectors in spite of scores that were swapped",
            '{"matching_patches", "scores", "fused_rows"}.isdisjoint(values.swapped)',
            "True",
            "test_rows_are_those_of_the_whole_run_without_it",
        ),
        (
            "run",
            "Trace.revised",
            "what a function made is kept under settings that it may read",
            "touched_by(changed | own) | own",
            "touched_by(changed)",
            "test_settings_and_hole_make_what_may_depend_on_them_anew",
        ),
        (
            "swapping",
            "_stage_of",
            "a function gets the run's own tensors",
            "copied(inputs)",
            "inputs",
            "test_it_gets_and_gives_copies",
        ),
    ),
]
