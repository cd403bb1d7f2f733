"""The regressors for scikit-learn pass its own battery, and fit what they say."""

import numpy as np
import pytest

estimators = pytest.importorskip("attreg.estimators", reason="scikit-learn is not installed")

from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.estimator_checks import check_estimator

import attreg
from conftest import dyadic

ALL = [estimators.ExpRegressor, estimators.CoshRegressor, estimators.SinhRegressor]


@pytest.mark.parametrize("estimator", ALL)
@pytest.mark.filterwarnings("ignore")
def test_the_battery_of_scikit_learn_passes(estimator):
    reports = check_estimator(estimator(), on_skip=None)
    passed = [report for report in reports if report["status"] == "passed"]
    skipped = [report["check_name"] for report in reports if report["status"] == "skipped"]
    # An empty battery would be green, too.
    assert len(passed) >= 40 and len(passed) + len(skipped) == len(reports), skipped


@pytest.mark.parametrize("estimator", ALL)
def test_planted_coefficients_are_found(estimator):
    X, coef = dyadic(1, 30, 3), np.array([0.5, -0.25, 0.75])
    y = estimator._function(X @ coef)
    fitted = estimator().fit(X, y)
    sign = np.sign(fitted.coef_[0]) if estimator is estimators.CoshRegressor else 1
    assert fitted.coef_ * sign == pytest.approx(coef, abs=1e-7)
    assert fitted.predict(X) == pytest.approx(y, abs=1e-7) and fitted.score(X, y) > 1 - 1e-9
    ridge = estimator(weight=0.5).fit(X, y)
    assert ridge.coef_.tolist() == attreg.solve(X, y, 0.5, fitted._loss).x.tolist()


def test_a_fit_that_does_not_converge_warns():
    with pytest.warns(ConvergenceWarning, match="iteration-limit"):
        estimators.SinhRegressor(max_iter=1).fit(dyadic(1, 30, 3), dyadic(2, 30) * 8)
