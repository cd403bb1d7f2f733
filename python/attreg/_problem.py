"""Losses of logits: solve one, or pose one to solve it again."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from . import _attreg
from ._arrays import as_float64, by_rows, compressed_rows, count, is_sparse
from ._result import Interrupted, Result, SolverWarning

TOLERANCE, MAX_ITERATIONS, SEED = _attreg.settings()


def run(
    posed: _attreg.Posed,
    start: Any,
    *,
    method: str,
    tol: float,
    max_iter: int,
    seed: int,
    bound: bool,
    callback: Any,
    on_interrupt: str,
    stacklevel: int = 3,
) -> Result:
    """Solves, warns, and raises what ended the search early."""
    if on_interrupt not in ("raise", "return"):
        raise ValueError(f"on_interrupt is {on_interrupt!r}: must be 'raise' or 'return'")
    most, seed = count("max_iter", max_iter), count("seed", seed)
    found, raised = posed.solve(start, method, tol, most, seed, bound, callback)
    result = Result(found)
    for text in result.warnings:
        warnings.warn(text, SolverWarning, stacklevel=stacklevel)
    if raised is None or isinstance(raised, StopIteration):
        return result
    if isinstance(raised, KeyboardInterrupt):
        if on_interrupt == "return":
            return result
        raise Interrupted(result) from None
    raise raised


class Problem:
    """A loss of the logits ``A x``, posed once, solved as often as wanted.

    ``l(A x) + 0.5 || w o A x ||^2`` with ``A`` (n, d), dense or one of SciPy's sparse matrices, ``b`` with as many entries as the
    loss has outputs (n; the rows of ``second_layer`` for ``"two-layer"``), ``w`` (n,) or one number. Without ``b`` every
    :meth:`solve` needs one.

    A float64 ``A`` that is contiguous by rows is *not copied*: leave it unchanged while the problem lives. Everything else is
    converted to such an array once, without rounding, or refused.
    """

    def __init__(
        self,
        A: Any,
        b: Any = None,
        w: Any = 0.0,
        loss: str = "softmax",
        *,
        second_layer: Any = None,
        activation: str | None = None,
    ) -> None:
        self._arguments = (A, b, w, loss, second_layer, activation)
        second = None
        if second_layer is not None or activation is not None:
            if second_layer is None or activation is None:
                raise ValueError("second_layer and activation are needed together")
            second = (by_rows("second_layer", second_layer, 2), activation)
        if is_sparse(A):
            matrix: tuple[Any, ...] = compressed_rows(A)
            rows = matrix[0][0]
            build = _attreg.Posed.sparse
        else:
            matrix = (by_rows("A", A, 2),)
            rows = matrix[0].shape[0]
            build = _attreg.Posed.dense
        self._rows = rows
        self._has_target = b is not None
        if b is None:
            # Stands for the targets that come with each solve; never looked at.
            b = np.zeros(rows if second is None else second[0].shape[0])
        self._posed = build(loss, *matrix, by_rows("b", b, 1), self._weights(w), second)

    def _weights(self, w: Any) -> np.ndarray:
        w = as_float64("w", w)
        if w.ndim == 0:
            w = np.full(self._rows, float(w))
        return by_rows("w", w, 1)

    def _target(self) -> _attreg.Posed:
        if not self._has_target:
            raise ValueError("b is missing: this problem was posed without a target")
        return self._posed

    def __reduce__(self) -> tuple[Any, ...]:
        return _problem, self._arguments

    def __repr__(self) -> str:
        rows, columns = self.shape
        return f"Problem({self.loss!r}, A {rows} x {columns})"

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of ``A``."""
        return self._posed.shape

    @property
    def loss(self) -> str:
        """The loss by its name."""
        return self._posed.key

    def solve(
        self,
        b: Any = None,
        w: Any = None,
        x0: Any = None,
        *,
        method: str = "auto",
        tol: float = TOLERANCE,
        max_iter: int = MAX_ITERATIONS,
        seed: int = SEED,
        bound: bool = True,
        callback: Any = None,
        on_interrupt: str = "raise",
    ) -> Result:
        """Minimises from ``x0`` (the origin if none), for another target or other weights where they are given.

        See :func:`attreg.solve` for the arguments and the result.
        """
        return self._solve(
            b,
            w,
            x0,
            method=method,
            tol=tol,
            max_iter=max_iter,
            seed=seed,
            bound=bound,
            callback=callback,
            on_interrupt=on_interrupt,
        )

    def _solve(self, b: Any, w: Any, x0: Any, **orders: Any) -> Result:
        posed = self._target() if b is None else self._posed
        if b is not None or w is not None:
            posed = posed.with_data(
                None if b is None else by_rows("b", b, 1),
                None if w is None else self._weights(w),
            )
        start = None if x0 is None else by_rows("x0", x0, 1)
        return run(posed, start, **orders, stacklevel=4)

    def value(self, x: Any) -> float:
        """The loss at ``x``, in float64."""
        return self._target().value(by_rows("x", x, 1))

    def gradient(self, x: Any) -> np.ndarray:
        """Its gradient at ``x`` (d,), in float64."""
        return self._target().gradient(by_rows("x", x, 1))

    def hessian(self, x: Any) -> np.ndarray:
        """Its Hessian at ``x`` (d, d), in float64."""
        return self._target().hessian(by_rows("x", x, 1))

    def hvp(self, x: Any, v: Any) -> np.ndarray:
        """Its Hessian at ``x`` times ``v`` (d,), in float64."""
        return self._target().hvp(by_rows("x", x, 1), by_rows("v", v, 1))


def _problem(
    A: Any, b: Any, w: Any, loss: str, second_layer: Any, activation: str | None
) -> Problem:
    return Problem(A, b, w, loss, second_layer=second_layer, activation=activation)


def solve(
    A: Any,
    b: Any,
    w: Any = 0.0,
    loss: str = "softmax",
    x0: Any = None,
    *,
    method: str = "auto",
    tol: float = TOLERANCE,
    max_iter: int = MAX_ITERATIONS,
    seed: int = SEED,
    bound: bool = True,
    callback: Any = None,
    on_interrupt: str = "raise",
    second_layer: Any = None,
    activation: str | None = None,
) -> Result:
    """Minimises a loss of the logits ``A x`` (:class:`Problem`) from ``x0``.

    ``tol``: converged when the gradient is this much smaller than at the start. ``bound``: prove a bound on the error of the
    answer, which can take longer than the answer. ``callback``: called with a dictionary for every iteration; ``StopIteration``
    ends the search with the best point so far. ``on_interrupt``: what Ctrl-C does, ``"raise"`` :class:`Interrupted` (a
    ``KeyboardInterrupt`` whose ``result`` has the best point so far) or ``"return"`` that result.

    The result has ``x``, ``success``, ``status``, ``message``, ``fun``, ``jac_norm``, ``nit``, ``error_bound`` (a proven bound on
    ``|| x - x* ||``, or ``None``), ``bound_basis`` (what it rests on, or why there is none), ``warnings``, ``trace``, ``method``,
    ``seed``; every key is always there. The same bits as ``attreg solve`` gives, for any number of threads.
    """
    problem = Problem(A, b, w, loss, second_layer=second_layer, activation=activation)
    return problem._solve(
        None,
        None,
        x0,
        method=method,
        tol=tol,
        max_iter=max_iter,
        seed=seed,
        bound=bound,
        callback=callback,
        on_interrupt=on_interrupt,
    )
