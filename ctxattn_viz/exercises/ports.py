"""Capstone: ports of contextual attention that are wrong somewhere. Find the stage."""

import random
from collections.abc import Sequence
from dataclasses import replace

from torch import Tensor

from ..checks import check_choice
from ..comparison import difference
from ..config import AttentionConfig
from ..errors import InputError
from ..inputs import check_inputs
from ..stages import BY_KEY
from . import (
    deconvolution,
    fused_softmax,
    mask_validity,
    matching_mistakes,
    matching_scores,
    whole_layer,
)
from .exercise import Case, Mistake, planted
from .feedback import Feedback

# Mistakes that leave every shape as it is, on any input. A seed counts along this list, so what is
# added to a table of mistakes changes no port.
_FAULTY: tuple[tuple[tuple[Mistake, ...], str], ...] = (
    (
        whole_layer.SHRINKING,
        """
        every rate-th pixel kept
        averaged when shrinking
        """,
    ),
    (
        mask_validity.MISTAKES,
        """
        inverted
        only the middle cell counts
        one known cell is enough
        half known is enough
        the border counts as hole
        the first mask for all
        a hole in any sample counts for all
        patches numbered column by column
        a plus instead of a square
        """,
    ),
    (
        matching_mistakes.MISTAKES,
        """
        no norm
        the paper's cosine
        the wrong patch's norm
        square root forgotten
        square root forgotten
        no floor under the norm
        an epsilon for each element
        a sum of absolute values
        one norm for all patches
        a norm for every cell of the patch
        border repeated
        the patches upside down
        the patches on their side
        the first sample's patches for all
        queries numbered column by column
        """,
    ),
    (
        fused_softmax.EXERCISE.mistakes,
        """
        the scale forgotten
        divided by the scale
        mask inverted
        no mask
        masked before the softmax only
        masked after the softmax only
        minus infinity
        softmax over the queries
        no fusion
        the first pass only
        the second pass only
        twice row by row
        columns first
        only the queries turned
        not turned back
        the diagonal the wrong way
        stops at the end of a row
        means instead of sums
        fused after the softmax
        masked before the fusion
        masked before the fusion as well
        """,
    ),
    (
        deconvolution.MISTAKES,
        """
        not divided
        divided by the true cover
        divided by the patch's area
        the middles only
        written over instead of added
        written over, then divided
        shifted
        cropped too far
        the odd pixel on the wrong side
        the best match only
        patches upside down
        patches on their side
        queries numbered column by column
        the first sample's patches for all
        """,
    ),
)
_FAULTS: tuple[Mistake, ...] = tuple(
    next(mistake for mistake in table if mistake.name == name.strip())
    for table, names in _FAULTY
    for name in names.strip().splitlines()
)


class FaultyPort:
    """A port of contextual attention with one fault, which the seed decides.

    Call it as `port(f, b, mask, config)`: it returns the tensors that it shows, by stage key.

    Attributes:
        seed: an integer.
        shows: the stages that a call returns.

    >>> x = torch.arange(48.0).reshape(1, 3, 4, 4) / 48
    >>> port: cv.FaultyPort = cv.exercises.faulty_port(1, shows=["scores", "output"])
    >>> [*port(x, x)]
    ['scores', 'output']
    """

    def __init__(self, seed: int, shows: Sequence[str]) -> None:
        self.seed, self.shows = seed, tuple(shows)

    def __call__(
        self,
        f: Tensor,
        b: Tensor,
        mask: Tensor | None = None,
        config: AttentionConfig | None = None,
    ) -> dict[str, Tensor]:
        """Takes what `ctxattn_viz.trace` does; `config` is in the original's dialect."""
        inputs, config = check_inputs(f, b, mask, config)
        if config.dialect != "tensorflow":
            raise InputError("config", "the dialect 'tensorflow'", repr(config.dialect))
        values = planted(inputs, config, _fault(self.seed))
        return {key: values[key] for key in self.shows}

    def __repr__(self) -> str:
        return f"FaultyPort(seed={self.seed}, shows {', '.join(self.shows)})"


def faulty_port(seed: int, shows: str | Sequence[str] | None = None) -> FaultyPort:
    """A port with a fault in one stage.

    Args:
        seed: another port for every integer.
        shows: the stages that it lets you see, or one of them; None for all.

    >>> x = torch.arange(48.0).reshape(1, 3, 4, 4) / 48
    >>> port = cv.exercises.faulty_port(seed=3)
    >>> cv.compare(cv.trace(x, x), port(x, x)).first.key
    'scores'
    """
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise InputError("seed", "an integer", repr(seed))
    keys = list(BY_KEY) if shows is None else [shows] if isinstance(shows, str) else list(shows)
    for key in keys:
        check_choice("shows", key, BY_KEY)
    return FaultyPort(seed, keys)


def name_the_stage(port: FaultyPort, stage: str) -> Feedback:
    """Whether a stage is where a port goes wrong, judged by running it on telling inputs.

    Args:
        port: what `faulty_port` made.
        stage: the key of the first stage that can differ from the library's; where several
            differ of which none builds on another, as the shrunken maps, any of them.

    >>> port = cv.exercises.faulty_port(seed=3)
    >>> cv.exercises.name_the_stage(port, "scores").passed
    True
    """
    if not isinstance(port, FaultyPort):
        raise InputError("port", "what faulty_port made", type(port).__name__)
    name = f"port {port.seed}"
    if stage not in BY_KEY:
        story = f"{stage!r} is not a stage. The stages are: {', '.join(BY_KEY)}."
        return Feedback(name, passed=False, story=(story,))
    inputs = telling_inputs()
    wrong = _stages_that_differ(port, inputs)
    if stage in wrong and _differs_by_itself(port, stage, inputs):
        before = "Before it" if stage == wrong[0] else "In all that it builds on"
        story = f"{before} the port agrees on all {len(inputs)} inputs tried."
        fault_line = f"The fault: {_fault(port.seed).name}."
        return Feedback(name, passed=True, story=(story, fault_line))
    if stage in wrong:
        story = f"At {stage} the port differs, but so does a stage before it, which it builds on."
    else:
        order = list(BY_KEY)
        where = "later" if order.index(stage) < order.index(wrong[0]) else "in another stage"
        story = (
            f"At {stage} the port agrees on all {len(inputs)} inputs tried: the fault is {where}."
        )
    return Feedback(name, passed=False, story=(story,))


def telling_inputs() -> list[Case]:
    """Small inputs that bring out every planted fault: holes, batches, black patches, odd sizes."""
    return [
        *whole_layer.EXERCISE.cases(0, "random"),
        *matching_scores.EXERCISE.cases(0, "random"),
    ]


def _fault(seed: int) -> Mistake:
    return random.Random(seed).choice(_FAULTS)


def _differs_by_itself(port: FaultyPort, stage: str, inputs: list[Case]) -> bool:
    """Whether a stage at which a port differs builds on none at which it does, too."""
    fault, order = _fault(port.seed), list(BY_KEY)
    earlier = {
        key: run for key, run in fault.wrong.items() if order.index(key) < order.index(stage)
    }
    return stage in fault.wrong and all(
        difference(
            stage, case.values()[stage], case.values(replace(fault, wrong=earlier))[stage]
        ).same
        for case in inputs
    )


def _stages_that_differ(port: FaultyPort, inputs: list[Case]) -> list[str]:
    """The stages at which a port parts from the library on any input, in order."""
    open_port = FaultyPort(port.seed, list(BY_KEY))
    differing = set()
    for case in inputs:
        theirs = open_port(case.known["f"], case.known["b"], case.known["mask"], case.config)
        ours = case.values()
        differing |= {key for key in BY_KEY if not difference(key, ours[key], theirs[key]).same}
    return [key for key in BY_KEY if key in differing]
