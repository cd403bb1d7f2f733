"""Regressors for scikit-learn: ``y = phi(X coef)`` with ``phi`` exp, cosh or sinh, entry by entry, fitted by least squares.

Softmax regression is none: its softmax runs over the *rows*, so that a prediction for some rows depends on all the others, and what
scikit-learn asks of a regressor (the prediction of a subset is the subset of the predictions) is false by construction. The same
holds for residual-softmax and two-layer. Use :func:`attreg.solve`.
"""

from __future__ import annotations

import warnings
from typing import Any, Callable

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted, validate_data

from ._problem import MAX_ITERATIONS, TOLERANCE, Problem
from ._result import SolverWarning

__all__ = ["CoshRegressor", "ExpRegressor", "SinhRegressor"]


class _EntrywiseRegressor(RegressorMixin, BaseEstimator):
    """``min 0.5 || phi(X coef) - y ||^2 + 0.5 || weight X coef ||^2``.

    ``weight``: the ridge in the logits, one number or one for each row. ``tol``, ``max_iter``: as in :func:`attreg.solve`.
    After ``fit``: ``coef_`` (d,), ``n_iter_``, ``error_bound_`` (proven, on the distance to the minimiser; ``None`` where there is
    none), ``result_`` (everything else). A fit that does not converge warns with ``ConvergenceWarning``.
    """

    _loss: str
    _function: Callable[[np.ndarray], np.ndarray]

    def __init__(self, weight: Any = 0.0, tol: float = TOLERANCE, max_iter: int = MAX_ITERATIONS) -> None:
        self.weight = weight
        self.tol = tol
        self.max_iter = max_iter

    def fit(self, X: Any, y: Any) -> Any:
        """Fits to ``X`` (n, d), dense or sparse, and ``y`` (n,)."""
        X, y = validate_data(self, X, y, accept_sparse="csr", dtype=np.float64, y_numeric=True)
        problem = Problem(X, y, self.weight, self._loss)
        with warnings.catch_warnings():
            # They are in `result_`; the one that matters to scikit-learn follows.
            warnings.simplefilter("ignore", SolverWarning)
            result = problem.solve(tol=self.tol, max_iter=self.max_iter)
        if not result.success:
            warnings.warn(f"{result.status}: {result.message}", ConvergenceWarning, stacklevel=2)
        self.coef_ = result.x
        self.n_iter_ = result.nit
        self.error_bound_ = result.error_bound
        self.result_ = result
        return self

    def predict(self, X: Any) -> np.ndarray:
        """``phi(X coef)`` (n,)."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", dtype=np.float64, reset=False)
        return type(self)._function(X @ self.coef_)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        # A sum of squares of exponentials fits no line.
        tags.regressor_tags.poor_score = True
        return tags


class ExpRegressor(_EntrywiseRegressor):
    __doc__ = f"``y = exp(X coef)``: {_EntrywiseRegressor.__doc__}"
    _loss = "exp"
    _function = staticmethod(np.exp)


class CoshRegressor(_EntrywiseRegressor):
    __doc__ = f"``y = cosh(X coef)``: {_EntrywiseRegressor.__doc__}\n    ``-coef_`` fits as well as ``coef_``."
    _loss = "cosh"
    _function = staticmethod(np.cosh)


class SinhRegressor(_EntrywiseRegressor):
    __doc__ = f"``y = sinh(X coef)``: {_EntrywiseRegressor.__doc__}"
    _loss = "sinh"
    _function = staticmethod(np.sinh)
