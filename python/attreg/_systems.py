"""One function for every other system, made of the table of systems."""

from __future__ import annotations

import inspect
import json
import warnings
from typing import Any

from . import _attreg
from ._arrays import as_float64, plain
from ._problem import MAX_ITERATIONS, SEED, TOLERANCE, Problem, run
from ._result import Result, SolverWarning

#: The table of systems: key, formula, arrays, unknowns, what is asked.
SYSTEMS: list[dict[str, Any]] = json.loads(_attreg.systems())


def pose(system: str, **arrays: Any) -> Any:
    """An instance of a system, its arrays by their names, for :func:`reference` and :func:`check`.

    A loss of logits is a :class:`Problem`: ``pose("softmax", A=A, b=b, w=w)``.
    """
    row = next((row for row in SYSTEMS if row["key"] == system), None)
    if row is None:
        known = ", ".join(row["key"] for row in SYSTEMS)
        raise ValueError(f'unknown system "{system}": known systems are {known}')
    if row["logit"]:
        return Problem(loss=system, **arrays)
    slots = {slot["name"]: slot for slot in row["given"]}
    for name, slot in slots.items():
        listed = arrays.get(name)
        if slot["parts"] and isinstance(listed, (list, tuple)) and any(isinstance(part, (dict, str)) for part in listed):
            # Instances, as in a manifest.
            manifest = {key: plain(array) for key, array in arrays.items() if array is not None}
            return _attreg.Posed.parse(json.dumps({"system": system, **manifest}), "pose")
    switches = {name for name, slot in slots.items() if slot["switch"]}
    for name, array in arrays.items():
        words = slots[name]["words"] if name in slots else None
        if words and isinstance(array, str):
            if array not in words:
                raise ValueError(f"{name} is {array!r}: must be one of {', '.join(words)}")
            # The extension takes the place of the word in the table.
            arrays[name] = float(words.index(array))
    given = [
        (name, as_float64(name, array, switch=name in switches))
        for name, array in arrays.items()
        if array is not None
    ]
    return _attreg.Posed.named(system, given)


def _solver(row: dict[str, Any]) -> Any:
    """A function that solves or evaluates the system of this row."""
    key, slots = row["key"], row["given"]
    solves = row["outputs"] is None
    keyword = inspect.Parameter.KEYWORD_ONLY
    parameters = [
        inspect.Parameter(
            slot["name"],
            inspect.Parameter.POSITIONAL_OR_KEYWORD,
            default=inspect.Parameter.empty if slot["required"] else None,
        )
        # What must be given goes first; the others keep their order.
        for slot in sorted(slots, key=lambda slot: not slot["required"])
    ]
    orders = {
        "x0": None,
        "method": "auto",
        "tol": TOLERANCE,
        "max_iter": MAX_ITERATIONS,
        "seed": SEED,
        "bound": True,
        "callback": None,
        "on_interrupt": "raise",
    }
    if solves:
        parameters += [
            inspect.Parameter(name, keyword, default=value) for name, value in orders.items()
        ]
    signature = inspect.Signature(parameters)

    def function(*args: Any, **kwargs: Any) -> Result:
        bound = signature.bind(*args, **kwargs).arguments
        posed = pose(key, **{name: bound[name] for name in names if name in bound})
        if not solves:
            result = Result(posed.evaluate())
            for text in result.warnings:
                warnings.warn(text, SolverWarning, stacklevel=2)
            return result
        given = {name: bound.get(name, value) for name, value in orders.items()}
        start = given.pop("x0")
        start = None if start is None else json.dumps(plain(start))
        return run(posed, start, **given)

    names = [slot["name"] for slot in slots]
    function.__name__ = function.__qualname__ = key.replace("-", "_")
    function.__module__ = "attreg"
    function.__signature__ = signature  # type: ignore[attr-defined]
    lines = [f"{'Minimises' if solves else 'Evaluates'} {key}: ``{row['formula']}``.", ""]
    for slot in slots:
        default = "" if slot["required"] else f" (default: {slot['default']})"
        lines.append(f"``{slot['name']}``: {slot['shapes']}{default}")
    if solves:
        unknowns = ", ".join(f"``{slot['name']}`` {slot['shapes']}" for slot in row["unknowns"])
        lines.append(f"\nUnknowns, in ``x0`` and the result's ``x`` by name: {unknowns}.")
        lines.append("The other arguments and the result are those of :func:`attreg.solve`.")
    else:
        lines.append(
            "\nThe result has ``outputs``, ``error_bounds`` (proven, one for each output), their largest "
            "``error_bound``, ``bound_basis``, ``refused_rows`` (they have no outputs: NaN), ``success`` if there are none, "
            "``warnings``."
        )
    function.__doc__ = "\n".join(lines)
    return function


FUNCTIONS: dict[str, Any] = {
    row["key"].replace("-", "_"): _solver(row) for row in SYSTEMS if not row["logit"]
}
