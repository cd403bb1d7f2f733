from typing import Any, Callable

from ._counts import catch_up as catch_up, chain as chain, degree_window as degree_window, row_queries as row_queries
from ._ledger import claims as claims, verify as verify
from ._oracle import check as check, reference as reference
from ._problem import Problem as Problem, solve as solve
from ._result import Interrupted as Interrupted, Result as Result, SolverWarning as SolverWarning
from ._systems import pose as pose

SYSTEMS: list[dict[str, Any]]
__version__: str

# One function for every system with named arrays, made of SYSTEMS.
def __getattr__(name: str) -> Callable[..., Result]: ...
