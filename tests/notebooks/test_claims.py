"""What learners bring along, and what this course once said wrongly, each with what decides it.

Many readers come from a walk-through of the original, in Chinese, that explains it line by line.
Each of its claims was run: the right ones are confirmed in a notebook, the wrong ones named and
corrected. Sentences of the course that did not hold when they were recomputed are kept out here,
and beside each stands the cell that computes what is so.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"


class Decided(NamedTuple):
    """A sentence, and the cell that decides it."""

    notebook: str
    words: str  # in the prose
    output: str  # a pattern in what the deciding cell printed; that cell asserts it, too


# What the walk-through claims → where it is decided.
CLAIMS = {
    "raw_w is [1,128,128,48], then [1,4,4,3,16384]": Decided(
        "01_patch_extraction",
        "What is what?",
        r"\[1, 4, 4, 3, 16384\] = patches last",
    ),
    "f is given as [1,3,256,256], at the signature's rate": Decided(
        "01_patch_extraction",
        "given to code that expects them last",
        r"rate 1: \[1, 256, 256, 12\].*\n.*'height': 3",
    ),
    "the size is (256 - 4 + 2) / 2 + 1": Decided(
        "01_patch_extraction", "That is right by luck", r"formula 127\.5, there are 128"
    ),
    "48 is a vector of 16, then three channels": Decided(
        "01_patch_extraction",
        "The walk-through has it the other way round",
        r"the first 3 of its 48 are one pixel's channels: True",
    ),
    "shrinking prepares the upsampling of the deconvolution": Decided(
        "01_patch_extraction",
        "It does not: it serves the matching alone",
        r"paste_patches .* the same under both rules: True",
    ),
    "the mask is handled as in partial convolution": Decided(
        "02_mask_validity",
        "Here nothing makes up for what was struck out",
        r"as it is .* sum to 0\.959\nrenormalised .* sum to 1\.000",
    ),
    "the mask is cropped like f and b": Decided(
        "02_mask_validity", "All three are shrunk", r"hole cells, shrunk: 120 +cropped: 0"
    ),
    "a mask of zeros has no influence": Decided(
        "02_mask_validity", "no mask, bit for bit", r"give the same bits: True"
    ),
    "the foreground is the convolution's kernel": Decided(
        "03_matching_scores",
        "Which of the two is the kernel?** The *background*'s patches",
        r"\(1, 60, 8, 8\) .*\(1, 64, 6, 10\)\n.* is the same for \d+ of 64",
    ),
    "the batch is split for convenience": Decided(
        "03_matching_scores",
        'Not "for convenience"',
        r"one bank for both: first sample right: True, second: False",
    ),
    "fuse is a kernel of ones, like a Gaussian blur of the picture": Decided(
        "04_fused_softmax", "Neither is so. The kernel is the identity", r"kernel of ones +2 %"
    ),
    "softmax_scale is a smoothness": Decided(
        "04_fused_softmax", "the larger, the less smooth", r"softmax_scale +0\.1 .*\nfused +1517"
    ),
    "pixel times score: the more alike, the more of it": Decided(
        "05_deconvolution", "an *exponential* between score and share", r"the share 1\.3 times"
    ),
}

# What the course said once, and must not say again → what it says and computes in place of it.
CORRECTED = {
    "The answer given in those threads is that the missing factor cancels": Decided(
        "03_matching_scores", "this term will not be cancelled", r"cosine × 46\.0: 26\.5 dB"
    ),
    "the longer patch wins by far for nearly every query": Decided(
        "exercises/solutions/3_matching_scores",
        "In all directions it wins half of the time",
        r"100 % of the positive queries, for 50 % of all",
    ),
    "a few long patches win nearly everywhere": Decided(
        "exercises/solutions/3_matching_scores",
        "twenty of the 1024 patches, most of them long ones, win half of the cells",
        r"100 % of the positive queries",
    ),
    "The cells that differ sit at the crop's edges": Decided(
        "06_offset_flow",
        "Others sit one row or column further in",
        r"145 at the edge, 34 beside it",
    ),
    "The scale gives 1.2 dB of the 9.5": Decided(
        "04_fused_softmax",
        "the scale alone gives up to 1.6",
        r"the scale gives 1\.6 and fusion 7\.9",
    ),
    "It touches one ring of cells.": Decided(
        "04_fused_softmax", "of an inner cell's scores 7 %", r"kernel of ones +2 %"
    ),
    "Here more is better, because here everything really moves together. Where": Decided(
        "04_fused_softmax", "all but ten of the 2304 cells", r"fuse_k=7: 99\.6% .* 10 do not"
    ),
    "So the norm is worth four decibels here": Decided(
        "07_two_images", "four decibels at *this* sharpness", r"as it is +at best 18\.5 dB"
    ),
    "everything is pasted from a few extreme patches": Decided(
        "07_two_images", "the best matches are a few extreme patches", r"no norm .*at best 18\.3"
    ),
    "Twelve numbers learned on one hole prove nothing": Decided(
        "07_two_images",
        "Nothing is left for it in these fifteen steps",
        r"coarse fill: 13\.3 dB\n(.*\n)*plus 1 .* 17\.7 dB, +10 patches",
    ),
    "The remedy is to widen the hole until shrinking cannot miss it. (The grey": Decided(
        "02_mask_validity",
        "is worse than the repaired copy that it was given",
        r"smooth +: 25\.6 dB(.*\n)*widened mask: 19\.3 dB",
    ),
    "But no temperature makes a poor question": Decided(
        "00_quickstart",
        "no `softmax_scale` brings the cat up",
        r"the best softmax_scale .*17\.2 dB",
    ),
    "explain the **dark border**": Decided(
        "05_deconvolution", "*darker* in the one range", r"the last pixel: photograph -0\.33"
    ),
    "as all places around a good match become equally good": Decided(
        "04_fused_softmax",
        "Nor do the others land next door",
        r"scores, blurred +24% find a place within four cells",
    ),
    "And on the photograph, where the truth is known: ": Decided(
        "04_fused_softmax",
        "are a matter of temperature",
        r"fused before 30\.3 dB, fused after 23\.0 dB",
    ),
    "So they are pasted, with their zeros": Decided(
        "07_two_images",
        "the coffee's own pixels, not the zeros",
        r"ones in place of colours give 0\.997 or more",
    ),
    "With fewer patches to choose from there is less": Decided(
        "07_two_images", "Not for want of patches", r"by 0\.16; fused first, by 0\.44"
    ),
    "have to be multiples of 4·rate = 8": Decided(
        "01_patch_extraction", "Others may pass here by luck", r"differ by 0\.11 on average"
    ),
}

# Sentences that were not so and that no figure has to replace.
RETRACTED = {
    "In every figure the query is": "00_quickstart",
    "the defaults, which are the original's": "00_quickstart",
    "inside and darkens the border": "exercises/solutions/5_deconvolution",
    "Everything after it differs too": "exercises/solutions/6b_wrong_ports",
    "Q13 and Q16 are answered in the README": "00_quickstart",
    "the longest patches win whatever the query": "07_two_images",
    "the strongest patch wins, whatever it looks like": "03_matching_scores",
    "are ahead for every cell": "03_matching_scores",
    "So every cell has one right answer": "04_fused_softmax",
    "a long diagonal forces a match to continue": "04_fused_softmax",
    "It harms where you transfer": "04_fused_softmax",
    "an edge cell meets it in every score": "04_fused_softmax",
    "white beside the nose": "07_two_images",
    "self-attention without its learned projections": "07_two_images",
}


def prose(notebook: NotebookNode) -> str:
    """Its text, in one line."""
    texts = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    return re.sub(r"\s+", " ", "\n".join(texts))


def printed(cell: NotebookNode) -> str:
    return "".join(output.get("text", "") for output in cell.outputs)


def shortcomings(notebook: NotebookNode, decided: Decided) -> list[str]:
    """What keeps a claim from being decided, each as a sentence."""
    sentences = []
    if decided.words not in prose(notebook):
        sentences.append(f"the prose does not say {decided.words!r}")
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    deciding = [cell for cell in code if re.search(decided.output, printed(cell))]
    if not deciding:
        sentences.append(f"no cell prints {decided.output!r}")
    elif not any(re.search(r"^\s*assert ", cell.source, re.MULTILINE) for cell in deciding):
        sentences.append("the cell that prints it asserts nothing")
    return sentences


def read(name: str) -> NotebookNode:
    return nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)


@pytest.mark.parametrize("claim", CLAIMS)
def test_a_claim_of_the_walk_through_is_decided_by_a_cell(claim: str) -> None:
    assert shortcomings(read(CLAIMS[claim].notebook), CLAIMS[claim]) == []


@pytest.mark.parametrize("sentence", CORRECTED)
def test_a_sentence_that_was_not_so_is_corrected(sentence: str) -> None:
    decided = CORRECTED[sentence]
    notebook = read(decided.notebook)
    assert sentence not in prose(notebook)
    assert shortcomings(notebook, decided) == []


@pytest.mark.parametrize("sentence", RETRACTED)
def test_a_sentence_that_was_not_so_stays_away(sentence: str) -> None:
    assert sentence not in prose(read(RETRACTED[sentence]))


def decided_notebook() -> NotebookNode:
    notebook = new_notebook()
    output = new_output("stream", text="two and two: 4\n")
    notebook.cells = [
        new_markdown_cell("It is\nfour."),
        new_code_cell("print(4)\nassert 2 + 2 == 4", execution_count=1, outputs=[output]),
    ]
    return notebook


FAULTS = {
    "the prose does not say": lambda cells: cells[0].update(source="It is five."),
    "no cell prints": lambda cells: cells[1].update(outputs=[]),
    "asserts nothing": lambda cells: cells[1].update(source="print(4)  # assert"),
}


@pytest.mark.parametrize("message", FAULTS)
def test_what_is_missing_is_noticed(message: str) -> None:
    notebook, decided = decided_notebook(), Decided("", "It is four.", r"two: 4")
    assert shortcomings(notebook, decided) == []
    FAULTS[message](notebook.cells)
    (sentence,) = shortcomings(notebook, decided)
    assert message in sentence
