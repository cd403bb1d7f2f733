"""Certified digits, judged answers, claims: plain data, and those of the command."""

import inspect
import json
import subprocess
import sys
from pathlib import Path

import mpmath
import numpy as np
import pytest

import attreg
import attreg.testing
from conftest import dyadic
from test_solve import command

KIT = Path(__file__).resolve().parents[2] / "fixtures" / "conformance"
CASES = attreg.testing.kit()


def test_the_digits_are_those_of_mpmath():
    """The definition, evaluated by mpmath at 60 digits: independent of the library."""
    A, b, w, x = dyadic(1, 4, 2), dyadic(2, 4), dyadic(3, 4), dyadic(4, 2)
    found = attreg.reference(attreg.Problem(A, b, w), x)
    with mpmath.workdps(60):
        a = mpmath.matrix(A.tolist())

        def loss(*point):
            z = a * mpmath.matrix(point)
            p = [mpmath.exp(entry) for entry in z]
            p = [entry / mpmath.fsum(p) for entry in p]
            squares = [(p[i] - b[i]) ** 2 + (w[i] * z[i]) ** 2 for i in range(4)]
            return mpmath.fsum(squares) / 2

        point = tuple(map(mpmath.mpf, x))
        off = abs(mpmath.mpf(found.loss) - loss(*point))
        assert off < mpmath.mpf(10) ** -34
        for j, order in enumerate([(1, 0), (0, 1)]):
            slope = mpmath.diff(loss, point, order, h=mpmath.mpf(10) ** -20)
            assert abs(mpmath.mpf(found.gradient[j]) - slope) < 1e-18
    assert found.f64.loss == float(found.loss) and found.f64.gradient.shape == (2,)
    assert found.f64.hessian.shape == (2, 2) and found.f64.gradient.dtype == np.float64
    short = attreg.reference(attreg.Problem(A, b, w), x, digits=5)
    assert abs(float(short.loss) - found.f64.loss) < 1e-4 * abs(found.f64.loss)
    assert len(short.loss.split("e")[0].strip("-")) == 6


def test_a_reference_is_that_of_the_command(tmp_path):
    for case in (CASES[0], next(case for case in CASES if case.system == "weighted-low-rank")):
        file = KIT / f"{case.id}.json"
        theirs = json.loads(command("reference", file, "--json").stdout)
        ours = attreg.reference(file)
        assert {key: ours[key] for key in ours if key != "f64"} == {
            key: value for key, value in theirs.items() if key != "format_version"
        }


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_every_case_of_the_kit_is_judged(case):
    """What the kit expects passes, as nearest float64; a quantity that is off by a thousandth does not."""
    answer = {"x": case.x, **case.nearest} if case.x is not None else dict(case.nearest)
    answer = {key: value for key, value in answer.items() if value is not None}
    report = attreg.check(case, answer)
    assert report.passed and not report.diagnosis, report
    assert set(report) - {"passed", "diagnosis"} == set(answer) - {"x"}
    name = "outputs" if "outputs" in answer else "gradient"

    def off(value):
        if isinstance(value, dict):
            return {key: off(entry) for key, entry in value.items()}
        return np.asarray(value) * 1.001 + 1e-3

    wrong = {key: value for key, value in answer.items() if key in ("x",)}
    assert not attreg.check(case, {**wrong, name: off(answer[name])}).passed


def test_the_kit_is_that_of_the_repository():
    listed = json.loads((KIT / "conformance.json").read_text())["instances"]
    assert [case.id for case in CASES] == [entry["id"] for entry in listed]
    for case in CASES:
        assert case.manifest == json.loads((KIT / f"{case.id}.json").read_text())
    assert {case.system for case in CASES} == {row["key"] for row in attreg.SYSTEMS}
    with pytest.raises(ValueError, match='unknown system "lasso"'):
        attreg.testing.kit("lasso")


def test_what_is_no_answer_is_refused_in_one_line():
    case = CASES[0]
    for answer, line in [
        ({}, "answer: nothing to check: at least one of loss, gradient, hessian, minimiser is needed"),
        ({"gradient": [1.0]}, "answer: gradient has 1 entries, expected 3"),
        ({"loss": float("nan")}, "answer: loss is NaN: every number must be finite"),
        ({"grad": [1.0]}, "answer: grad: unknown field `grad`"),
    ]:
        with pytest.raises(ValueError) as raised:
            attreg.check(case, answer)
        assert str(raised.value).startswith(line), raised.value
    with pytest.raises(ValueError, match='unknown precision "float16"'):
        attreg.check(case, {"loss": 1.0}, precision="float16")
    with pytest.raises(ValueError, match="digits is 99"):
        attreg.check(case, {"loss": 1.0}, digits=99)
    with pytest.raises(TypeError, match="instance is a int"):
        attreg.check(3, {"loss": 1.0})


def test_every_system_of_the_table_has_its_function():
    """Driven by the table: its arrays, its answer that of the command."""
    for row in attreg.SYSTEMS:
        if row["logit"]:
            continue
        function = getattr(attreg, row["key"].replace("-", "_"))
        # As Python has it: those without a default first.
        names = [slot["name"] for slot in sorted(row["given"], key=lambda slot: not slot["required"])]
        assert list(inspect.signature(function).parameters)[: len(names)] == names
        assert row["formula"] in function.__doc__
        case = next(case for case in CASES if case.system == row["key"])
        arrays = {name: case.manifest[name] for name in names if name in case.manifest}
        theirs = json.loads(command("solve", KIT / f"{case.id}.json", "--json").stdout)
        if row["outputs"] is not None:
            ours = function(**arrays)
            assert ours.outputs.tolist() == theirs["outputs"]
            assert ours.error_bounds.tolist() == theirs["error_bounds"]
            assert ours.error_bound == theirs["error_bound"]
        else:
            ours = function(**arrays, x0=case.x)
            assert {name: array.tolist() for name, array in ours.x.items()} == theirs["x"]
            assert (ours.status, ours.fun, ours.nit) == (theirs["status"], theirs["loss"], theirs["iterations"])
        posed = attreg.pose(row["key"], **arrays)
        assert attreg.check(posed, {k: v for k, v in case.nearest.items() if k == "outputs"} or {"x": case.x, "loss": case.nearest["loss"]}).passed


def test_arrays_of_systems_are_checked():
    with pytest.raises(ValueError, match='system "exact-attention" needs V'):
        attreg.pose("exact-attention", Q=np.eye(2), K=np.eye(2))
    with pytest.raises(ValueError, match="d = 3, but Q has d = 2"):
        attreg.exact_attention(np.eye(2), np.ones((2, 3)), np.eye(2))
    with pytest.raises(TypeError, match="missing a required argument: 'V'"):
        attreg.exact_attention(np.eye(2), np.eye(2))
    causal = attreg.exact_attention(np.eye(2), np.eye(2), np.eye(2), causal=True)
    assert causal.outputs[0].tolist() == [1.0, 0.0]
    holes = np.array([[1.0, np.nan], [2.0, 4.0]])
    found = attreg.weighted_low_rank(holes, np.array([[1.0, 0.0], [1.0, 1.0]]), 1)
    assert set(found.x) == {"X", "Y"} and found.x["X"].shape == (2, 1)


def test_claims_and_verdicts_are_plain_data():
    claims = attreg.claims()
    assert {"id", "paper", "statement", "expected"} <= set(claims[0])
    printed = attreg.claims("dls23/gradient-printed")
    assert [claim["id"] for claim in printed] == ["dls23/gradient-printed"]
    rows = attreg.verify(["dls23/gradient-printed", "dls23/gradient-corrected"], cases=2)
    theirs = command("verify", "dls23/gradient-printed", "dls23/gradient-corrected", "--cases", 2, "--json")
    assert rows == json.loads(theirs.stdout)["claims"]
    assert all(row["as_recorded"] for row in rows)
    mine = attreg.verify("dls23/gradient-corrected", instances={"mine": CASES[0]})
    assert mine[0]["cases"] == 1
    with pytest.raises(ValueError, match='no claim or paper is called "dls24"'):
        attreg.verify("dls24")


def test_the_command_is_that_of_the_wheel():
    done = command("claims", "dls23/gradient-corrected")
    assert done.returncode == 0 and done.stdout.startswith("dls23/gradient-corrected\n")
    refused = command("solve", "absent.json")
    assert refused.returncode == 2 and refused.stderr.startswith("attreg: absent.json: ")
    assert command("--version").stdout.startswith("attreg ")


def test_the_package_is_imported_quickly():
    """No clock: what it imports beyond NumPy is counted."""
    code = "import numpy, sys; before = set(sys.modules); import attreg; print(*sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    more = {name.split(".")[0] for name in done.stdout.split()}
    assert not more & {"scipy", "sklearn", "pytest", "jax", "torch", "mpmath"}, more
