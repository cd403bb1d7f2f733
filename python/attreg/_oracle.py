"""The oracle's numbers, and answers held against them."""

from __future__ import annotations

import json
import os
from decimal import Decimal, localcontext
from typing import Any

import numpy as np

from . import _attreg
from ._arrays import plain
from ._problem import Problem
from ._result import Result

#: The oracle's numbers have no more digits.
MOST_DIGITS = 40


def posed(instance: Any) -> _attreg.Posed:
    """What the extension takes: of a :class:`Problem`, of :func:`pose`, of a manifest's path, or of a manifest as a dictionary."""
    if isinstance(instance, _attreg.Posed):
        return instance
    if isinstance(instance, Problem):
        return instance._target()
    if isinstance(instance, (str, os.PathLike)):
        return _attreg.Posed.read(os.fspath(instance))
    if isinstance(instance, dict):
        return _attreg.Posed.parse(json.dumps(plain(instance)), "instance")
    if hasattr(instance, "instance"):
        return posed(instance.instance)
    raise TypeError(
        f"instance is a {type(instance).__name__}: a Problem, the path of a manifest or its dictionary is needed"
    )


def _rounded(value: Any, digits: int) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(entry, digits) for key, entry in value.items()}
    if isinstance(value, list):
        return [_rounded(entry, digits) for entry in value]
    if value is None:
        return None
    number = Decimal(value)
    if len(number.as_tuple().digits) <= digits:
        return value
    with localcontext(prec=digits):
        return f"{+number:.{digits - 1}e}"


def _nearest(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _nearest(entry) for key, entry in value.items()}
    if isinstance(value, list):
        numbers = np.array(value, dtype=object)
        # An output that is not there.
        numbers[numbers == None] = "nan"  # noqa: E711
        return numbers.astype(str).astype(np.float64)
    return float(value)


def reference(
    instance: Any, x: Any = None, digits: int = MOST_DIGITS, *, minimiser: bool = False
) -> Result:
    """Loss, gradient and Hessian at ``x`` (the instance's start if none), or outputs, to at most ``digits`` certified digits.

    Numbers are decimal strings, which ``mpmath.mpf`` takes: each is off by less than one unit of its last digit, proven by
    enclosing all rounding errors; what cannot be told from zero is ``"0e-37"``. ``f64`` holds the same as the nearest float64.
    A KeyboardInterrupt ends the wait at once; the oracle's thread ends when it is done.
    With ``minimiser`` also the minimiser that Newton's method finds from there, or ``minimiser_missing`` with the reason.

    ``instance``: a :class:`Problem`, what :func:`pose` gives, the path of a manifest, or a manifest as a dictionary.
    """
    if not 1 <= digits <= MOST_DIGITS:
        raise ValueError(f"digits is {digits}: must be from 1 to {MOST_DIGITS}")
    point = None if x is None else json.dumps(plain(x))
    found = json.loads(posed(instance).reference(point, minimiser))
    remarks = ("minimiser_missing", "refused_rows", "warnings")
    remark = {key: found.pop(key) for key in remarks if key in found}
    missing = {key: value for key, value in found.items() if value is None}
    numbers = {key: _rounded(found[key], digits) for key in found if key not in missing}
    nearest = Result({key: _nearest(value) for key, value in numbers.items()})
    return Result({**numbers, **missing, **remark, "f64": nearest})


def check(
    instance: Any,
    answer: dict[str, Any],
    digits: float | None = None,
    precision: str = "float64",
) -> Result:
    """How many digits of somebody's numbers are right, and which known mistake explains the rest.

    ``answer`` has any of ``x`` (where the others were taken), ``loss``, ``gradient``, ``hessian``, ``minimiser``, or ``outputs``,
    as arrays or as nested lists, decimal strings among them. ``precision`` (``"float64"``, ``"float32"``, ``"bfloat16"``) is the one
    that it was computed in: data and point are rounded to it first. Without ``digits`` as many are asked for as that precision
    can give on this instance. The result has ``passed``, a score for each quantity, and ``diagnosis``.
    """
    if digits is not None and not 0 < digits <= 36:
        raise ValueError(f"digits is {digits}: must be > 0 and at most 36")
    text = json.dumps(plain(answer))
    found = json.loads(posed(instance).check(text, digits, precision))
    scores = {key: Result(value) if isinstance(value, dict) else value for key, value in found.items()}
    return Result(scores)
