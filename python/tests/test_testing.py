"""attreg.testing: callables are judged in their own precision, and planted mistakes are named."""

from importlib.metadata import entry_points

import numpy as np
import pytest

import attreg.testing as testing
from attreg.testing import Mismatch


def softmax_gradient(x, A, b, w, *, ridge=True, shift=True):
    """The gradient by the chain rule, in the precision of its arrays."""
    z = A @ x
    p = np.exp(z - z.max() if shift else z)
    p = p / p.sum()
    slope = p * (p - b) - p * np.dot(p, p - b)
    return A.T @ (slope + w * w * z if ridge else slope)


def softmax_loss(x, A, b, w):
    z = A @ x
    p = np.exp(z - z.max())
    p = p / p.sum()
    return ((p - b) @ (p - b) + (w * z) @ (w * z)) / 2


CASE = testing.kit("softmax")[0]


@pytest.mark.attreg("softmax")
@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_a_right_gradient_passes_every_case(attreg_case, precision):
    report = testing.check_gradient(softmax_gradient, attreg_case, precision=precision)
    assert report.passed and report.gradient["required"] < {"float64": 16, "float32": 7.3}[precision]
    pair = lambda *arrays: (softmax_loss(*arrays), softmax_gradient(*arrays))
    report = testing.check_gradient(pair, attreg_case, precision=precision)
    assert set(report) == {"passed", "loss", "gradient", "diagnosis"}


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_a_planted_mistake_is_named(precision):
    def no_ridge(*arrays):
        return softmax_gradient(*arrays, ridge=False)

    with pytest.raises(Mismatch) as raised:
        testing.check_gradient(no_ridge, CASE, precision=precision)
    text = str(raised.value)
    assert f"required in {precision}; worst gradient[" in text and "diagnosis E13: " in text
    assert not raised.value.report.passed


def test_single_precision_is_named_where_double_is_asked_for():
    def single(*arrays):
        return softmax_gradient(*(array.astype(np.float32) for array in arrays))

    with pytest.raises(Mismatch, match="diagnosis float32: "):
        testing.check_gradient(single, CASE)
    assert testing.check_gradient(single, CASE, precision="float32").passed


def test_half_the_digits_are_asked_of_bfloat16():
    ml_dtypes = pytest.importorskip("ml_dtypes", reason="ml_dtypes is not installed: no bfloat16 in NumPy")
    case = next(case for case in testing.kit("exp") if case.id == "exp-theory")

    def gradient(x, A, b, w, ridge=True):
        assert A.dtype == ml_dtypes.bfloat16
        z = A @ x
        e = np.exp(z)
        return A.T @ ((e - b) * e + (w * w * z if ridge else 0 * z))

    report = testing.check_gradient(gradient, case, precision="bfloat16")
    assert 0 < report.gradient["required"] < 2.5
    with pytest.raises(Mismatch, match="required in bfloat16"):
        testing.check_gradient(lambda *arrays: gradient(*arrays, ridge=False), case, precision="bfloat16")


def test_mistakes_in_bfloat16_are_named_and_rounding_is_not():
    """The gradients are computed by NumPy in bfloat16, operation by operation."""
    pytest.importorskip("ml_dtypes", reason="ml_dtypes is not installed: no bfloat16 in NumPy")
    case = next(case for case in testing.kit("exp") if case.id == "exp-theory")

    def gradient(x, A, b, w, factor=1):
        z = A @ x
        e = np.exp(z)
        return A.T @ (factor * ((e - b) * e + w * w * z)).astype(A.dtype)

    def scaled(factor):
        return lambda *arrays: gradient(*arrays, factor=factor)

    for factor, name in [(2, "factor-half"), (-1, "negated"), (1 / 6, "mean")]:
        with pytest.raises(Mismatch, match=f"diagnosis {name}: "):
            testing.check_gradient(scaled(factor), case, precision="bfloat16")
    for factor in (-3, 4):
        with pytest.raises(Mismatch, match="no known mistake explains it"):
            testing.check_gradient(scaled(factor), case, precision="bfloat16")
    # More digits than bfloat16 has: what is missing is rounding.
    with pytest.raises(Mismatch, match="no known mistake explains it"):
        testing.check_gradient(gradient, case, precision="bfloat16", digits=5)


def test_hessians_minimisers_losses_and_outputs_are_judged():
    import attreg

    def hessian(x, A, b, w):
        return attreg.Problem(A, b, w).hessian(x)

    assert testing.check_hessian(hessian, CASE).passed
    with pytest.raises(Mismatch):
        testing.check_hessian(lambda *arrays: 2 * hessian(*arrays), CASE)
    solved = lambda x, A, b, w: attreg.solve(A, b, w, x0=x)
    assert testing.check_minimiser(solved, CASE).passed
    with pytest.raises(Mismatch):
        testing.check_minimiser(lambda *arrays: solved(*arrays).x + 1e-3, CASE)
    assert testing.check_loss(softmax_loss, CASE).passed
    case = testing.kit("exact-attention")[0]

    def attention(Q, K, V, scale=None, causal=False):
        weights = np.exp(Q @ K.T / (Q.shape[1] if scale is None else scale))
        weights = np.tril(weights) if causal else weights
        return weights @ V / weights.sum(axis=1, keepdims=True)

    assert testing.check_outputs(attention, case).passed
    with pytest.raises(Mismatch):
        testing.check_outputs(lambda **arrays: attention(**{**arrays, "scale": 1.0}), case)
    rank = testing.kit("weighted-low-rank")[0]

    def loss(x, M, W, rank):
        return ((W * (M - x["X"] @ x["Y"].T)) ** 2).sum() / 2

    assert testing.check_loss(loss, rank).passed
    with pytest.raises(Mismatch, match="diagnosis factor-half"):
        testing.check_loss(lambda *x, **arrays: 2 * loss(*x, **arrays), rank)


def test_where_no_digit_is_possible_nothing_is_passed():
    """Differences of huge numbers: the precision has no digit left, and a check that cannot fail must not pass."""
    A = np.array([[2.0**10], [2.0**10]])
    instance = {"loss": "exp", "matrix": A, "target": [1.0, 1.0], "weights": [0.0, 0.0], "start": [0.03125]}
    gradient = lambda x, A, b, w: A.T @ ((np.exp(A @ x) - b) * np.exp(A @ x))
    with pytest.raises(testing.Undecided, match="bfloat16 can give no digit of gradient"):
        testing.check_gradient(gradient, instance, precision="bfloat16", arrays=np.asarray)


def test_the_plugin_shows_what_is_wrong(pytester):
    # Installed, pytest finds it by itself.
    installed = any(entry.name == "attreg" for entry in entry_points(group="pytest11"))
    plugin = () if installed else ("-p", "attreg.pytest_plugin")
    pytester.makepyfile(
        """
        import numpy as np, pytest
        from attreg.testing import check_loss

        @pytest.mark.attreg("cosh", ids=["cosh-theory"])
        def test_mine(attreg_case, attreg_cases):
            assert [case.id for case in attreg_cases] == ["cosh-theory"]
            check_loss(lambda x, A, b, w: ((np.cosh(A @ x) - b) ** 2).sum(), attreg_case)
        """
    )
    result = pytester.runpytest_subprocess(*plugin)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*test_mine?cosh-theory?*", "*loss WRONG: *required in float64*"])
    pytester.makepyfile('import pytest\n@pytest.mark.attreg(ids=["none"])\ndef test_mine(attreg_case): pass\n')
    result = pytester.runpytest_subprocess(*plugin)
    assert result.ret != 0
    result.stdout.fnmatch_lines(["*the conformance kit has no case none of these systems*"])
