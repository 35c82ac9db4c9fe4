"""The exercises' checks: right answers pass, each mistake gets its own hint, nothing raises."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from html.parser import HTMLParser

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

import ctxattn_viz as cv
from ctxattn_viz.exercises import EXERCISES, Feedback, check, faulty_port, name_the_stage, ports
from ctxattn_viz.stages import BY_KEY
from tests.support import students

SEVERAL = "more than one thing may differ"
SMALL = [name for name in EXERCISES if name != "whole_layer"]


def names(exercise: str) -> list[str]:
    return list(dict.fromkeys(m.name for m in EXERCISES[exercise].mistakes))


def code_of(function: Callable[..., object]) -> str:
    return inspect.getsource(function)


# The mistakes that `students` makes as a student would; the rest is planted by the table itself.
MADE = [
    (e, m)
    for e in SMALL
    for m in names(e)
    if f'"{m}"' in code_of(students.SOLUTIONS[e])
    or (e == "fused_softmax" and f'"{m}"' in code_of(students._diagonals))
]


@pytest.mark.parametrize("seed", [0, 1, 7])
@pytest.mark.parametrize("exercise", EXERCISES)
def test_the_right_answer_passes(exercise: str, seed: int) -> None:
    feedback = check(exercise, students.SOLUTIONS[exercise], seed=seed)
    assert feedback.passed, feedback
    assert feedback.fits
    assert "passed" in str(feedback)
    assert feedback.hint == ""


@pytest.mark.parametrize("exercise", SMALL)
def test_at_least_five_mistakes_are_made_as_a_student_would(exercise: str) -> None:
    assert len([e for e, _ in MADE if e == exercise]) >= 5


@pytest.mark.parametrize(("exercise", "wrong"), MADE)
def test_each_mistake_gets_its_own_hint(exercise: str, wrong: str) -> None:
    feedback = check(exercise, partial(students.SOLUTIONS[exercise], wrong=wrong))
    assert not feedback.passed
    assert feedback.mistake == wrong, feedback
    hints = {m.hint for m in EXERCISES[exercise].mistakes if m.name == wrong}
    assert any(feedback.hint.startswith(hint) for hint in hints)


WHOLE = [
    ("shrinking", "every rate-th pixel kept", "Shrink"),
    ("shrinking", "averaged when shrinking", "Shrink"),
    ("inputs", "f matched with itself", "Shrink"),
    ("inputs", "pasted from f", "Patches"),
    ("inputs", "the mask not used", "Validity"),
    ("patch_extraction", "border repeated", "Patches"),
    ("mask_validity", "inverted", "Validity"),
    ("mask_validity", "only the middle cell counts", "Validity"),
    ("matching_scores", "no norm", "Matching"),
    ("matching_scores", "the paper's cosine", "Matching"),
    ("fused_softmax", "twice row by row", "Fuse ↕"),
    ("fused_softmax", "the diagonal the wrong way", "Fuse ↔"),
    ("fused_softmax", "the scale forgotten", "Softmax"),
    ("fused_softmax", "minus infinity", "Softmax"),
    ("deconvolution", "not divided", "Deconvolution"),
    ("deconvolution", "shifted", "Deconvolution"),
]


@pytest.mark.parametrize(
    ("stage", "wrong", "step"),
    [
        *WHOLE[::4],
        *(pytest.param(*row, marks=pytest.mark.long) for row in WHOLE if row not in WHOLE[::4]),
    ],
)
def test_the_whole_layer_tells_the_mistake_and_its_stage(stage: str, wrong: str, step: str) -> None:
    feedback = check("whole_layer", partial(students.whole_layer, stage=stage, wrong=wrong))
    assert not feedback.passed
    assert feedback.mistake == f"{wrong} ({step})", feedback
    assert feedback.hint.startswith(f"{step}: ")


def test_the_first_element_that_differs_is_named() -> None:
    def off_by_one(mask: Tensor, ksize: int) -> Tensor:
        valid = students.mask_validity(mask, ksize)
        valid[0, 2] = ~valid[0, 2]
        return valid

    feedback = check("mask_validity", off_by_one)
    assert feedback.index == (0, 2)
    assert (feedback.expected, feedback.got) == (1, 0)
    text = str(feedback)
    assert "sample 0, background patch 2: expected True, got False" in text
    assert "all of them at background patch 2" in text
    assert feedback.mistake is None


def test_two_mistakes_in_one_stage_are_not_met_with_silence() -> None:
    def upside_down_and_doubled(f: Tensor, patches: Tensor) -> Tensor:
        return 2 * students.matching_scores(f.flip(2), patches)

    feedback = check("matching_scores", upside_down_and_doubled)
    assert feedback.mistake is None
    assert SEVERAL in feedback.hint
    label = next(label for label, agrees in feedback.cases if not agrees)
    text = "\n".join([feedback.hint, *feedback.story])
    named = [name for name, _ in feedback.cases if name in text]
    assert named == [label]  # one first case


FIRST_ALONE = "uses the first sample alone"


def undivided_from_the_first_sample(attention: Tensor, paste: Tensor) -> Tensor:
    return students.deconvolution(attention[:1], paste[:1], "not divided")


def test_a_mistake_that_explains_most_cases_says_that_there_is_more() -> None:
    feedback = check("deconvolution", undivided_from_the_first_sample)
    assert feedback.mistake == "not divided"
    assert "explains 5 of the 7 cases that differ" in feedback.hint
    assert "something else differs as well" in feedback.hint
    assert FIRST_ALONE in feedback.hint


def one_pass_without_scale(scores: Tensor, valid: Tensor, *rest: object) -> Tensor:
    patches, fuse_k, _ = rest
    return students.fused_softmax(scores, valid, patches, fuse_k, 1.0, "the first pass only")


def for_rate_2_and_one_sample(attention: Tensor, paste: Tensor) -> Tensor:
    shares = attention.permute(0, 3, 1, 2)[:1]
    return F.conv_transpose2d(shares, paste[0], stride=2, padding=1) / 4


# Each is explained by some mistake in a few cases, by chance.
FEW = {
    "a rate and a sample": ("deconvolution", for_rate_2_and_one_sample),
    "a pass and the scale": ("fused_softmax", one_pass_without_scale),
}


@pytest.mark.parametrize("wrong", FEW)
def test_a_mistake_that_explains_few_cases_is_not_named(wrong: str) -> None:
    exercise, function = FEW[wrong]
    feedback = check(exercise, function)
    assert feedback.mistake is None
    assert not any(m.hint in feedback.hint for m in EXERCISES[exercise].mistakes)
    assert "explains" not in feedback.hint
    assert SEVERAL in feedback.hint


def test_a_factor_that_holds_in_few_cases_is_not_named() -> None:
    def of_the_area(attention: Tensor, paste: Tensor) -> Tensor:
        return students.deconvolution(attention, paste) / paste[0, 0].numel()

    hint = check("deconvolution", of_the_area).hint
    assert "Everything is" not in hint
    assert "not equally many: 0.0625 (one patch of ones, rate 2, on 3×3 cells); " in hint


@pytest.mark.parametrize("exercise", EXERCISES)
def test_one_number_everywhere_is_called_that(exercise: str) -> None:
    for value, said in ((0, "(0|False)"), (-0.0, "(0|False)"), (1, "(1|True)")):
        full = partial(torch.full_like, fill_value=value)
        feedback = check(exercise, right(exercise, full))
        assert feedback.mistake is None
        assert re.fullmatch(f"Whatever goes in, every element of yours is {said}.", feedback.hint)
    mean = right(exercise, lambda x: x.float().mean().expand(x.shape))
    assert "all your numbers are alike" in check(exercise, mean).hint


OF_THE_FIRST = {
    "one sample": lambda x: x[:1],
    "zeros after it": lambda x: torch.cat([x[:1], torch.zeros_like(x[1:])]),
    "copies of it": lambda x: x[:1].expand_as(x),
}


@pytest.mark.parametrize("others", OF_THE_FIRST)
@pytest.mark.parametrize("exercise", EXERCISES)
def test_an_answer_for_the_first_sample_alone_is_called_that(exercise: str, others: str) -> None:
    feedback = check(exercise, right(exercise, OF_THE_FIRST[others]))
    if (exercise, others) == ("mask_validity", "copies of it"):
        assert feedback.mistake == "the first mask for all"
    else:
        assert feedback.mistake is None
        assert FIRST_ALONE in feedback.hint
        assert SEVERAL not in feedback.hint


def test_an_answer_that_uses_other_samples_or_none_is_not_called_so() -> None:
    def counted(x: Tensor) -> Tensor:
        return torch.arange(1.0, x.numel() + 1).reshape(x.shape)

    for then in (lambda x: x.mean(0, keepdim=True).expand_as(x), lambda x: x[-1:], counted):
        assert FIRST_ALONE not in check("deconvolution", right("deconvolution", then)).hint


def test_the_cases_are_listed_in_text_and_page_until_all_agree() -> None:
    some = check("mask_validity", right("mask_validity", lambda x: x[:1].expand_as(x)))
    none = check("mask_validity", not_written)
    assert len({agrees for _, agrees in some.cases}) == 2
    for feedback in (some, none):
        lines, page = str(feedback).splitlines(), feedback._repr_html_()
        for label, agrees in feedback.cases:
            assert f"  {'agrees ' if agrees else 'differs'}  {label}" in lines
            assert f"<li>{'✓' if agrees else '✗'} {label}</li>" in page
    passed = check("mask_validity", students.mask_validity)
    assert str(passed) == passed.headline
    assert "<li>" not in passed._repr_html_()


def test_a_port_of_another_dialect_is_told_whose_rule_it_follows() -> None:
    port = partial(students.whole_layer, stage="shrinking", wrong="every rate-th pixel kept")
    hint = check("whole_layer", port).hint
    assert 'shrink="floor"' in hint
    assert "asks for the original's" in hint


def test_numbers_are_written_with_the_digits_that_tell_them_apart() -> None:
    feedback = check("matching_scores", lambda f, w: students.matching_scores(f, w) * 1.001)
    found = re.search(r"expected (\S+), got (\S+)\.\n", str(feedback))
    assert found
    assert found[1] != found[2]


def right(exercise: str, then: Callable[[Tensor], object]) -> Callable[..., object]:
    solution = students.SOLUTIONS[exercise]

    def function(*arguments: object) -> object:
        return then(solution(*arguments))

    return function


GENERAL = {
    "axes in another order": ("patch_extraction", lambda x: x.permute(0, 1, 3, 4, 2)),
    "in another shape": ("mask_validity", lambda x: x[..., None]),
    "NaN": ("matching_scores", lambda x: x * torch.nan),
    "wrong sign": ("matching_scores", lambda x: -x),
    "3 times what it should be": ("deconvolution", lambda x: 3 * x),
    "infinite": ("deconvolution", lambda x: x / 0),
    "whole (torch.int64)": ("deconvolution", lambda x: x.long()),
    "torch.float16, which keeps": ("deconvolution", lambda x: x.half()),
}


@pytest.mark.parametrize("said", GENERAL)
def test_what_can_be_said_of_any_numbers(said: str) -> None:
    exercise, then = GENERAL[said]
    assert said in check(exercise, right(exercise, then)).hint


def not_written(mask: Tensor, ksize: int) -> Tensor:
    raise NotImplementedError


def raises(mask: Tensor, ksize: int) -> Tensor:
    return mask.no_such_method()


def leaves(mask: Tensor, ksize: int) -> Tensor:
    sys.exit(3)


def changes(mask: Tensor, ksize: int) -> Tensor:
    valid = students.mask_validity(mask, ksize)
    mask.fill_(1)
    return valid


def borrows(mask: Tensor, ksize: int) -> Tensor:
    return cv.stages.mask_validity.valid_patches(mask, cv.AttentionConfig(ksize=ksize))


def recurses(mask: Tensor, ksize: int) -> Tensor:
    return recurses(mask, ksize)


BAD = {
    "Nothing here yet": not_written,
    "AttributeError: 'Tensor' object has no attribute 'no_such_method'": raises,
    "in the line: return mask.no_such_method()": raises,
    "SystemExit: 3": leaves,
    "RecursionError": recurses,
    "changed its argument mask": changes,
    "calls ctxattn_viz.": borrows,
    "2 arguments: mask, ksize": lambda mask: mask,
    "got None: is the return missing?": lambda mask, ksize: None,
    "got ndarray": right("mask_validity", lambda x: x.numpy()),
    "got list": right("mask_validity", lambda x: x.tolist()),
    "got torch.complex64": right("mask_validity", lambda x: x * 1j),
    "torch.strided on meta": right("mask_validity", lambda x: x.to("meta")),
    "torch.sparse_coo on cpu": right("mask_validity", lambda x: x.float().to_sparse()),
    "Expected shape (1, 16): sample, background patch. Got (16,)": right(
        "mask_validity", lambda x: x[0]
    ),
    "Got ()": right("mask_validity", lambda x: x.sum()),
    "Got (0,)": lambda mask, ksize: torch.zeros(0),
    "got: int": 3,
    "without calling it": torch.zeros(3),
}


@pytest.mark.parametrize("said", BAD)
def test_whatever_a_function_does_is_feedback(said: str) -> None:
    feedback = check("mask_validity", BAD[said])
    assert isinstance(feedback, Feedback)
    assert not feedback.passed
    assert said in str(feedback)
    assert "Traceback" not in str(feedback)
    assert feedback._repr_html_()


def test_a_function_that_is_right_but_for_its_shape_does_not_fit() -> None:
    assert not check("mask_validity", right("mask_validity", lambda x: x[..., None])).fits
    assert check("mask_validity", right("mask_validity", torch.logical_not)).fits


def test_answers_may_be_in_other_precisions_and_require_gradients() -> None:
    assert check("matching_scores", right("matching_scores", Tensor.double)).passed
    assert check("deconvolution", right("deconvolution", Tensor.requires_grad_)).passed


def test_a_students_warning_is_no_failure() -> None:
    def warns(mask: Tensor, ksize: int) -> Tensor:
        torch.tensor(mask)  # copies a tensor, of which PyTorch warns
        return students.mask_validity(mask, ksize)

    assert check("mask_validity", warns).passed


class _Images(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[dict[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "img":
            self.found.append(dict(attrs))


@pytest.mark.parametrize("exercise", EXERCISES)
def test_feedback_is_drawn_with_words_beside_it(exercise: str) -> None:
    for then in (lambda x: x, lambda x: ~x if x.dtype == torch.bool else x + 1):
        feedback = check(exercise, right(exercise, then))
        figure = feedback.figure()
        assert figure is not None
        titles = [ax.get_title(loc="left") for ax in figure.axes]
        assert {"target", "yours", "yours − target"} <= set(titles)
        page = _Images()
        page.feed(feedback._repr_html_())
        (image,) = page.found
        assert image["alt"] == figure.alt
        assert str(image["src"]).startswith("data:image/")


@pytest.mark.parametrize("exercise", EXERCISES)
def test_the_input_is_drawn_beside_with_rows_and_columns_named(exercise: str) -> None:
    for then in (
        lambda x: x.logical_not() if x.dtype == torch.bool else x + 1,
        lambda x: x[..., :1],
    ):
        feedback = check(exercise, right(exercise, then))
        figure = feedback.figure()
        assert figure is not None
        drawn = {ax.get_title(loc="left"): ax for ax in figure.axes if ax.get_visible()}
        drawn.pop("", None)  # scales of colours
        tensors = [name for name, x in feedback.arguments.items() if isinstance(x, Tensor)]
        for name in (*tensors, "target", "yours", "yours − target"):
            (ax,) = (ax for title, ax in drawn.items() if re.match(rf"{name}\b(?! −)", title))
            assert ax.get_xlabel()
            assert ax.get_ylabel()


def test_the_hint_comes_second_and_the_failing_input_can_be_worked_on_paper() -> None:
    feedback = check("mask_validity", partial(students.mask_validity, wrong="inverted"))
    lines = str(feedback).splitlines()
    assert lines[1] == f"Hint: {feedback.hint}"
    page = feedback._repr_html_()
    assert page.index("Hint.") < page.index("First case that differs") < page.index("<li>")
    mask, ksize = feedback.arguments["mask"], feedback.arguments["ksize"]
    assert mask.shape == (1, 1, 4, 4)
    assert "[[[[1, 0, 0, 0]," in lines
    assert f"ksize = {ksize}" in lines
    assert feedback.expected == students.mask_validity(mask, ksize)[feedback.index]


@pytest.mark.parametrize("dtype", [torch.float32, torch.uint8, torch.int64])
def test_bool_is_asked_for_and_nothing_else_taken(dtype: torch.dtype) -> None:
    feedback = check("mask_validity", right("mask_validity", lambda x: x.to(dtype)))
    assert not feedback.passed
    assert f"Expected dtype torch.bool: True or False. Got {dtype}" in str(feedback)
    assert feedback.fits


def test_what_cannot_be_compared_is_no_case_that_a_mistake_fails_to_explain() -> None:
    def for_one_sample(attention: Tensor, paste: Tensor) -> Tensor:
        if len(paste) > 1:
            raise ValueError("one sample at a time")
        return students.deconvolution(attention, paste, "not divided")

    feedback = check("deconvolution", for_one_sample)
    assert feedback.mistake == "not divided"
    assert "explains" not in feedback.hint


def test_the_box_is_drawn_around_the_first_element_that_differs() -> None:
    def one_off(attention: Tensor, paste: Tensor) -> Tensor:
        output = students.deconvolution(attention, paste)
        output[0, 0, 1, 2] += 1
        return output

    figure = check("deconvolution", one_off).figure()
    assert figure is not None
    boxes = {p.get_xy() for ax in figure.axes for p in ax.patches if p.get_width() == 1}
    assert boxes == {(1.5, 0.5)}
    (gap,) = (ax for ax in figure.axes if "− target" in ax.get_title(loc="left"))
    difference = gap.images[0].get_array()
    assert difference[1, 2] == pytest.approx(1)


def test_text_has_no_addresses_and_is_the_same_every_time() -> None:
    texts = {repr(check("matching_scores", lambda f, w: f)) for _ in range(2)}
    (text,) = texts
    assert not re.search(r"0x[0-9a-f]{4,}", text)


@pytest.mark.parametrize("exercise", EXERCISES)
def test_feedback_never_shows_code(exercise: str) -> None:
    hints = [m.hint for m in EXERCISES[exercise].mistakes]
    for hint in hints:
        assert not re.search(r"torch\.|F\.|\(x|lambda|def |==|\bunfold\(|sqrt\(", hint)


def test_only_some_cases_and_unknown_names() -> None:
    hand = check("deconvolution", students.deconvolution, only="hand")
    everything = check("deconvolution", students.deconvolution)
    assert 0 < len(hand.cases) < len(everything.cases)
    with pytest.raises(cv.InputError, match="exercise: expected one of 'patch_extraction'"):
        check("patches", students.deconvolution)

    assert not check("deconvolution", students.deconvolution, only="foot").passed


def test_other_seeds_bring_other_cases() -> None:
    first, second = (EXERCISES["deconvolution"].cases(seed)[-1] for seed in (0, 1))
    assert not torch.equal(first.target.flatten()[:9], second.target.flatten()[:9])


def test_checking_loads_no_matplotlib_until_something_is_drawn() -> None:
    code = (
        "import sys, torch, ctxattn_viz as cv\n"
        "feedback = cv.exercises.check('mask_validity', lambda mask, ksize: mask)\n"
        "assert not feedback.passed and 'matplotlib' not in sys.modules\n"
        "assert feedback.figure() and 'matplotlib' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# Ports that are wrong


def one_seed_a_fault() -> dict[str, int]:
    found: dict[str, int] = {}
    for seed in range(400):
        fault = ports._fault(seed)
        found.setdefault(f"{fault.name}, {','.join(fault.wrong)}", seed)
    return found


def test_every_fault_is_drawn_by_some_seed() -> None:
    assert len(one_seed_a_fault()) == len({(f.name, *f.wrong) for f in ports._FAULTS})


@pytest.mark.parametrize("seed", list(one_seed_a_fault().values())[::6])
def test_the_named_stage_is_where_a_port_first_goes_wrong(seed: int) -> None:
    port, fault, order = faulty_port(seed), ports._fault(seed), list(BY_KEY)
    first = min(fault.wrong, key=order.index)
    right = name_the_stage(port, first)
    assert right.passed
    assert fault.name in str(right)
    before = name_the_stage(port, order[max(order.index(first) - 1, 0)])
    after = name_the_stage(port, "offsets" if first == "output" else "output")
    if first != order[0]:
        assert "the fault is later" in str(before)
    # Everything reaches the output; the offsets do not build on it.
    said = "in another stage" if first == "output" else "a stage before it"
    assert said in str(after)
    assert fault.name not in str(after)


def test_comparison_finds_the_fault_of_a_port() -> None:
    case = EXERCISES["whole_layer"].cases(0, "random")[0]
    trace = cv.trace(*(case.known[name] for name in ("f", "b", "mask")), case.config)
    port = faulty_port(18)
    found = cv.compare(trace, port(trace.f, trace.b, trace.mask, trace.config)).first
    assert found is not None
    assert name_the_stage(port, found.key).passed


def test_a_port_gives_no_answer_away() -> None:
    port = faulty_port(18, shows="output")
    fault = ports._fault(18)
    shown = repr(port) + str(vars(port))
    assert fault.name not in shown
    assert not any(key in shown for key in fault.wrong)
    x = torch.zeros(1, 1, 4, 4)
    assert list(port(x, x)) == ["output"]


def test_ports_say_what_they_take() -> None:
    with pytest.raises(cv.InputError, match="seed: expected an integer"):
        faulty_port("three")
    with pytest.raises(cv.InputError, match="shows: expected one of"):
        faulty_port(3, shows="everything")
    with pytest.raises(cv.InputError, match="port: expected what faulty_port made"):
        name_the_stage(3, "scores")
    x = torch.zeros(1, 1, 4, 4)
    with pytest.raises(cv.InputError, match="dialect 'tensorflow'"):
        faulty_port(3)(x, x, None, cv.AttentionConfig(dialect="mmagic"))
    assert "is not a stage" in str(name_the_stage(faulty_port(3), "somewhere"))
