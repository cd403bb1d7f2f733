"""Judge your own gradient, Hessian or solver against the 40-digit oracle, in your test runner.

>>> import jax, attreg.testing                                      # doctest: +SKIP
>>> attreg.testing.check_gradient(jax.grad(my_loss), case, arrays="jax", precision="float32")    # doctest: +SKIP

The callable gets a point and the instance's arrays, rounded to ``precision`` and made by ``arrays``: ``fn(x, A, b, w)`` for a loss
of logits (``second_layer`` and ``activation`` by name, where there are any), ``fn(x, **arrays)`` with ``x`` a dictionary of the
unknowns for another system, ``fn(**arrays)`` for one without unknowns. What it returns is asked for the digits that *its* precision
can give on this instance; if it lacks some, :class:`Mismatch` says how many are right, where it is worst, and which known mistake
explains it. In bfloat16 a mistake in a gradient or a Hessian is named where its digits tell it from chance and from other mistakes.
"""

from __future__ import annotations

import json
from typing import Any, Callable

import numpy as np

from . import _attreg
from ._arrays import host, plain
from ._oracle import check, posed
from ._result import Result
from ._systems import SYSTEMS

__all__ = [
    "Case",
    "Mismatch",
    "Undecided",
    "check_gradient",
    "check_hessian",
    "check_loss",
    "check_minimiser",
    "check_outputs",
    "kit",
]

#: Under these names an instance of a loss of logits hands its arrays to a callable.
_LOGIT = {"matrix": "A", "target": "b", "weights": "w"}


class Mismatch(AssertionError):
    """Digits are missing; ``report`` is what :func:`attreg.check` found."""

    def __init__(self, text: str, report: Result) -> None:
        super().__init__(text)
        self.report = report

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (str(self), self.report)


class Undecided(Exception):
    """The precision leaves no digit on this instance that could be asked for: neither right nor wrong."""


class Case:
    """An instance of the conformance kit: ``id``, ``about``, ``instance``, ``x``, ``expected`` (decimal strings), ``nearest``
    (float64), ``required`` (digits that float64 can give)."""

    def __init__(self, entry: dict[str, Any], manifest: str) -> None:
        self.id: str = entry["id"]
        self.about: str = entry["about"]
        self.manifest: dict[str, Any] = json.loads(manifest)
        self.instance = _attreg.Posed.parse(manifest, entry["instance"])
        self.x: Any = entry.get("x")
        self.expected: dict[str, Any] = entry["expected"]
        self.nearest: dict[str, Any] = entry["nearest"]
        self.required: dict[str, Any] = entry["required"]

    @property
    def system(self) -> str:
        """The key of its system."""
        return self.instance.key

    def __repr__(self) -> str:
        return f"Case({self.id!r})"


def kit(*systems: str) -> list[Case]:
    """The instances of the conformance kit, of these systems or all, with their expected values."""
    known = [row["key"] for row in SYSTEMS]
    for name in systems:
        if name not in known:
            raise ValueError(f'unknown system "{name}": known systems are {", ".join(known)}')
    files = dict(_attreg.kit())
    entries = json.loads(files["conformance.json"])["instances"]
    cases = [Case(entry, files[entry["instance"]]) for entry in entries]
    return [case for case in cases if not systems or case.system in systems]


def check_loss(fn: Callable[..., Any], instance: Any, x: Any = None, **options: Any) -> Result:
    """Checks that ``fn`` returns the loss at ``x`` (the instance's start if none). See :func:`check_gradient`."""
    return _check(("loss",), fn, instance, x, **options)


def check_gradient(fn: Callable[..., Any], instance: Any, x: Any = None, **options: Any) -> Result:
    """Checks that ``fn`` returns the gradient, or the pair of loss and gradient, at ``x`` (the instance's start if none).

    ``instance``: a :class:`Case` of the :func:`kit`, a :class:`attreg.Problem`, or whatever :func:`attreg.check` takes.
    Options: ``precision`` that ``fn`` computes in (``"float64"``, ``"float32"``, ``"bfloat16"``); ``arrays`` that it takes
    (``"numpy"``, ``"jax"``, ``"torch"``, or a callable of a NumPy array); ``digits`` to ask for instead of those that the
    precision can give. Returns the report of :func:`attreg.check`; raises :class:`Mismatch` or :class:`Undecided`.
    """
    return _check(("loss", "gradient"), fn, instance, x, **options)


def check_hessian(fn: Callable[..., Any], instance: Any, x: Any = None, **options: Any) -> Result:
    """Checks that ``fn`` returns the Hessian, or loss, gradient and Hessian, at ``x``. See :func:`check_gradient`."""
    return _check(("loss", "gradient", "hessian"), fn, instance, x, **options)


def check_minimiser(fn: Callable[..., Any], instance: Any, x: Any = None, **options: Any) -> Result:
    """Checks that ``fn``, started at ``x``, returns a minimiser, or something whose ``x`` is one. See :func:`check_gradient`."""
    return _check(("minimiser",), fn, instance, x, **options)


def check_outputs(fn: Callable[..., Any], instance: Any, **options: Any) -> Result:
    """Checks that ``fn`` returns the outputs of a system without unknowns. See :func:`check_gradient`."""
    return _check(("outputs",), fn, instance, None, **options)


def _check(
    names: tuple[str, ...],
    fn: Callable[..., Any],
    instance: Any,
    x: Any,
    *,
    precision: str = "float64",
    arrays: str | Callable[[np.ndarray], Any] = "numpy",
    digits: float | None = None,
) -> Result:
    given = posed(instance)
    rounded = given.rounded(precision)
    manifest = json.loads(rounded.render())
    make = _maker(arrays, precision)
    point = None
    if names != ("outputs",):
        start = json.loads(rounded.start()) if x is None else plain(x)
        # Rounded as the judge rounds it.
        point = _each(start, lambda entry: plain(_in_precision(entry, precision)))
    found = _call(fn, manifest, rounded.key, point, make)
    answer = _answer(names, found, manifest)
    if point is not None and names != ("minimiser",):
        answer["x"] = point
    report = check(given, answer, digits, precision)
    scores = {name: report[name] for name in names if name in report}
    if not report.passed:
        raise Mismatch(_text(scores, report, precision), report)
    if all(score["required"] <= 0 for score in scores.values()):
        raise Undecided(f"{precision} can give no digit of {', '.join(scores)} on this instance")
    return report


def _each(point: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(point, dict):
        return {name: change(array) for name, array in point.items()}
    return change(point)


def _in_precision(array: Any, precision: str) -> np.ndarray:
    """The nearest numbers of the precision, as float64."""
    array = np.asarray(array, dtype=np.float64)
    if precision == "float64":
        return array
    if precision == "float32":
        return array.astype(np.float32).astype(np.float64)
    return np.vectorize(_attreg.round_to, otypes=[np.float64])(array, precision)


def _maker(arrays: Any, precision: str) -> Callable[[Any], Any]:
    """What makes an array for the callable, in its precision, of numbers that are of that precision already."""
    if callable(arrays):
        return lambda array: arrays(np.asarray(array, dtype=np.float64))
    if arrays == "numpy":
        if precision == "bfloat16":
            import ml_dtypes

            return lambda array: np.asarray(array, dtype=np.float64).astype(ml_dtypes.bfloat16)
        return lambda array: np.asarray(array, dtype=precision)
    if arrays == "jax":
        import jax.numpy

        return lambda array: jax.numpy.asarray(array, dtype=getattr(jax.numpy, precision))
    if arrays == "torch":
        import torch

        return lambda array: torch.tensor(array, dtype=getattr(torch, precision))
    raise ValueError(f"arrays is {arrays!r}: 'numpy', 'jax', 'torch' or a callable is needed")


def _call(
    fn: Callable[..., Any], manifest: dict[str, Any], key: str, point: Any, make: Callable[[Any], Any]
) -> Any:
    row = next(row for row in SYSTEMS if row["key"] == key)
    by_name = {
        name: make(_dense(manifest[name])) if isinstance(manifest[name], (list, dict)) else manifest[name]
        for name in (slot["name"] for slot in row["given"])
        if name in manifest
    }
    if row["logit"]:
        if np.ndim(by_name["weights"]) == 0:
            by_name["weights"] = make(np.full(len(by_name["matrix"]), manifest["weights"]))
        positional = [by_name.pop(name) for name in _LOGIT]
        return fn(make(point), *positional, **by_name)
    if point is None:
        return fn(**by_name)
    return fn(_each(point, make), **by_name)


def _dense(array: Any) -> Any:
    """An entry of a manifest as nested lists; a sparse matrix is filled up."""
    if not isinstance(array, dict):
        return array
    dense = np.zeros(array["shape"])
    for row, (first, last) in enumerate(zip(array["indptr"], array["indptr"][1:])):
        for k in range(first, last):
            dense[row, array["indices"][k]] += array["data"][k]
    return dense.tolist()


def _answer(names: tuple[str, ...], found: Any, manifest: dict[str, Any]) -> dict[str, Any]:
    """What the callable returned, by the names of an answer."""
    last = names[-1]
    if last == "minimiser" and not isinstance(found, dict) and hasattr(found, "x"):
        found = found.x
    elif last == "minimiser" and isinstance(found, dict) and "x" in found:
        found = found["x"]
    if isinstance(found, (tuple, list)) and len(names) > 1 and len(found) == 1:
        found = found[0]
    if isinstance(found, tuple):
        if len(found) > len(names):
            raise TypeError(f"the callable returned {len(found)} values, at most {len(names)} are known: {', '.join(names)}")
        # The last one is what is checked: (loss, gradient), (gradient, hessian).
        return {name: plain(value) for name, value in zip(names[-len(found) :], found)}
    value = plain(found)
    if last == "loss" and isinstance(value, list) and np.size(host(found)) == 1:
        value = float(np.ravel(value)[0])
    return {last: value}


def _text(scores: dict[str, Any], report: Result, precision: str) -> str:
    lines = []
    for name, score in scores.items():
        verdict = "right" if score["passed"] else "WRONG"
        worst = score["worst"]
        place = worst.get("name") or "".join(f"[{index}]" for index in worst["entry"])
        found = "exact" if score["exact"] else f"{score['digits']:.1f} digits"
        lines.append(
            f"{name} {verdict}: {found}, {score['required']:.1f} required in {precision}; worst {name}{place} "
            f"is {worst['answer']}, the oracle says {worst['oracle']}"
        )
        if not score["passed"]:
            own = score.get("entry")
            reason = own["reason"] if own else score["reason"]
            lines.append(f"  required because {reason}")
    for mistake in report.diagnosis:
        lines.append(f"diagnosis {mistake['id']}: {mistake['text']}")
    if not report.diagnosis:
        lines.append("no known mistake explains it")
    return "\n".join(lines)
