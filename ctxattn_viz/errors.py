"""Exceptions and warnings. Of a bad argument they say what was expected and what was given."""

LONGEST_VALUE = 300  # characters of a value, in a message


def shortened(text: str, longest: int = LONGEST_VALUE) -> str:
    """`text`; where it is longer than `longest` characters, `…` stands for its middle."""
    half = (longest - 1) // 2
    return text if len(text) <= longest else f"{text[:half]}…{text[-half:]}"


class InputError(ValueError):
    """An argument that cannot be used; the message reads `argument: expected …, got ….`.

    Attributes:
        argument: its name; of more than 300 characters the middle is left out.
        expected: what would do.
        got: what was given, as text; shortened likewise.
        hint: a sentence that says what to do instead; may be empty.

    >>> x = torch.zeros(1, 3, 8, 8)
    >>> cv.trace(x[0], x)
    Traceback (most recent call last):
        ...
    ctxattn_viz.errors.InputError: f: expected four dimensions (n, c, height, width), got a (3,
    8, 8) tensor. One picture: `f[None]` (or `f.unsqueeze(0)`).
    >>> try:
    ...     cv.trace(x, x, config=3)
    ... except cv.InputError as problem:
    ...     print(problem.argument, "|", problem.expected, "|", problem.got)
    config | an AttentionConfig | int
    """

    def __init__(self, argument: str, expected: str, got: object, hint: str = "") -> None:
        self.argument, self.got = shortened(argument), shortened(str(got))
        self.expected, self.hint = expected, shortened(hint, 3 * LONGEST_VALUE)
        # Pickle and copy, and therefore a process pool, rebuild an exception from these.
        super().__init__(self.argument, self.expected, self.got, self.hint)

    def __str__(self) -> str:
        sentence = f"{self.argument}: expected {self.expected}, got {self.got}."
        return f"{sentence} {self.hint}" if self.hint else sentence


class UnknownKeyError(InputError, KeyError):
    """A stage that does not exist. Also a KeyError, since `trace["…"]` looks it up.

    >>> x = torch.zeros(1, 3, 8, 8)
    >>> try:
    ...     cv.trace(x, x)["heat"]
    ... except cv.UnknownKeyError as problem:
    ...     print(problem.argument, problem.got, isinstance(problem, KeyError))
    stage 'heat' True
    """


class OutOfGridError(InputError, IndexError):
    """A query cell or pixel outside the grid. Also an IndexError.

    >>> x = torch.zeros(1, 3, 8, 8)
    >>> try:
    ...     cv.trace(x, x).query(4, 0)  # 8 pixels are 4 cells
    ... except cv.OutOfGridError as problem:
    ...     print(problem)
    row: expected an integer from 0 to 3, got 4.
    """


class UnknownOptionError(InputError, TypeError):
    """A keyword that a function does not have. Also a TypeError, which Python itself raises.

    >>> x = torch.zeros(1, 3, 8, 8)
    >>> try:
    ...     cv.trace(x, x, ksize=5)
    ... except cv.UnknownOptionError as problem:
    ...     print(problem.hint)
    Write trace(f, b, mask, AttentionConfig(ksize=5)).
    """


class UnsupportedError(RuntimeError):
    """A tool of PyTorch that cannot be applied here; the message says what to use instead.

    >>> x = torch.rand(1, 3, 8, 8, requires_grad=True)
    >>> y = cv.contextual_attention(x, x).sum()
    >>> try:
    ...     torch.autograd.grad(y, x, create_graph=True)[0].sum().backward()  # a second derivative
    ... except cv.UnsupportedError as problem:
    ...     print(str(problem).split(":")[0])
    contextual_attention
    """


class BudgetError(MemoryError):
    """Something that needs more memory than the budget; raised before anything is allocated.

    >>> x = torch.zeros(1, 3, 64, 64)
    >>> run = cv.trace(x, x, budget=1_000_000)  # bytes
    >>> try:
    ...     run["scores"]
    ... except cv.BudgetError as problem:
    ...     print(str(problem).split(", got")[0])
    scores: expected to fit 1 MB (the budget)
    """


class ChannelsLastWarning(UserWarning):
    """Sizes that are valid, but suggest that a tensor is (n, height, width, channels).

    >>> import warnings
    >>> picture = torch.zeros(1, 32, 32, 3)  # 32 channels of 32×3 pixels
    >>> with warnings.catch_warnings(record=True, action="always") as messages:
    ...     _ = cv.contextual_attention(picture, picture, config=cv.AttentionConfig(rate=1))
    >>> messages[0].category is cv.ChannelsLastWarning
    True
    """


class MaskWarning(UserWarning):
    """A mask that is valid, but hardly what was intended.

    >>> import warnings
    >>> x, mask = torch.zeros(1, 3, 8, 8), torch.zeros(1, 1, 8, 8)
    >>> mask[..., 1] = 1  # a line, which shrinking loses
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("error", cv.MaskWarning)  # to stop at any of them
    ...     try:
    ...         cv.trace(x, x, mask)
    ...     except cv.MaskWarning as problem:
    ...         print(type(problem).__name__)
    ThinHoleWarning
    """


class ThinHoleWarning(MaskWarning):
    """Shrinking the mask by nearest sampling lost part of the hole.

    >>> import warnings
    >>> x, mask = torch.zeros(1, 3, 8, 8), torch.zeros(1, 1, 8, 8)
    >>> mask[..., 1] = 1  # one column; at rate 2, columns 0, 2, 5 and 7 are kept
    >>> with warnings.catch_warnings(record=True, action="always") as messages:
    ...     run = cv.trace(x, x, mask)
    >>> messages[0].category is cv.ThinHoleWarning, run["downsampled_mask"].tensor.any().item()
    (True, False)
    """


class NothingValidWarning(MaskWarning):
    """Every background patch touches the hole; `masked="minus_infinity"` then gives NaN.

    >>> import warnings
    >>> x, mask = torch.zeros(1, 3, 8, 8), torch.ones(1, 1, 8, 8)
    >>> with warnings.catch_warnings(record=True, action="always") as messages:
    ...     run = cv.trace(x, x, mask, cv.AttentionConfig(dialect="mmagic"))
    >>> messages[0].category is cv.NothingValidWarning, run["output"].summary.nan
    (True, 192)
    """


class PictureWarning(UserWarning):
    """A picture that shows all white or black, or is transparent: hardly what was intended.

    >>> import warnings
    >>> with warnings.catch_warnings(record=True, action="always") as messages:
    ...     _ = cv.samples.to_picture(torch.full((3, 4, 4), 255.0))
    >>> messages[0].category is cv.PictureWarning
    True
    """
