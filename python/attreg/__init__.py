"""Oracle, judge and solver for attention-inspired regression.

>>> import numpy, attreg
>>> attreg.solve(numpy.array([[1.0], [0.0], [-1.0]]), [0.5, 0.25, 0.25], w=1.0).success
True

``solve`` and :class:`Problem` minimise losses of the logits ``A x``; one function for every other system does so for it
(``weighted_low_rank``, ``exact_attention``, ...). ``reference`` gives certified digits, ``check`` counts those of somebody else's
answer, :mod:`attreg.testing` does it for callables on NumPy, JAX or PyTorch arrays, :mod:`attreg.estimators` has regressors for
scikit-learn. ``claims`` and ``verify`` are the papers' claims as data, and ``row_queries``, ``degree_window``,
``chain`` and ``catch_up`` what the command counts under these names.
"""

from __future__ import annotations

import importlib
from typing import Any

from ._counts import catch_up, chain, degree_window, row_queries
from ._ledger import claims, verify
from ._oracle import check, reference
from ._problem import Problem, solve
from ._result import Interrupted, Result, SolverWarning
from ._systems import FUNCTIONS, SYSTEMS, pose

globals().update(FUNCTIONS)

__all__ = [
    "Interrupted",
    "Problem",
    "Result",
    "SYSTEMS",
    "SolverWarning",
    "catch_up",
    "chain",
    "check",
    "claims",
    "degree_window",
    "pose",
    "reference",
    "row_queries",
    "solve",
    "verify",
    *FUNCTIONS,
]


def __getattr__(name: str) -> Any:
    # Imported when they are used: scikit-learn is large.
    if name in ("testing", "estimators"):
        return importlib.import_module(f"attreg.{name}")
    if name == "__version__":
        return importlib.import_module("importlib.metadata").version("attreg")
    raise AttributeError(f"module 'attreg' has no attribute {name!r}")
