"""Checks behind the exercise notebooks.

`check("matching_scores", my_function)` runs a student's function against the stage and answers
with a drawing, the first element that differs and the likely mistake.

>>> [*cv.exercises.EXERCISES][:3]
['patch_extraction', 'mask_validity', 'matching_scores']
>>> print(cv.exercises.check("matching_scores", lambda f, w: f).headline)
matching_scores: not yet, 0 of 7 cases agree.
"""

from .attempts import Drawing
from .checking import EXERCISES, check
from .feedback import Feedback
from .ordering import check_order, lines
from .ports import FaultyPort, faulty_port, name_the_stage
from .stepping import step_into

__all__ = [
    "EXERCISES",
    "Drawing",
    "FaultyPort",
    "Feedback",
    "check",
    "check_order",
    "faulty_port",
    "lines",
    "name_the_stage",
    "step_into",
]
