"""What the command counts besides: ``attreg row-queries``, ``degree-window``, ``chain`` and ``catch-up`` as functions."""

from __future__ import annotations

import json
import os
from typing import Any

from . import _attreg
from ._arrays import count
from ._oracle import posed
from ._result import Interrupted, Result


def row_queries(
    rows: int, columns: int, *, accuracy: float = 0.1, delta: float = 0.01, slowdown: float = 1.0
) -> Result:
    """How many rows a regression by leverage scores reads, with a quantum computer and without.

    The loss is to be within ``1 + accuracy`` of the least, but for a probability of ``delta``; a query takes ``slowdown`` times as long
    as reading a row. The result has whole numbers for the printed sample and for the one that is enough, and from how many rows on
    queries are faster (``needed_break_even``, ``printed_break_even``).
    """
    text = _attreg.row_queries(count("rows", rows), count("columns", columns), accuracy, delta, slowdown)
    return Result(json.loads(text))


def degree_window(
    width: int,
    copies: int,
    signs: int,
    *,
    small: float = 0.1,
    large: float = 0.7,
    class_weight: float = 0.5,
    margin: float = 0.1,
    failure: float = 0.01,
) -> Result:
    """The degrees for which a network of polynomial attention fires for the excess ``large`` and is silent for ``small``.

    ``width`` d columns, ``copies`` t tokens of each class, ``signs`` sign vectors; either data set may be missed with the probability
    ``failure``. The result has ``first`` and ``last`` (a dictionary each: ``degree``, and probabilities as decimal strings of certified
    digits; ``None`` where there is none), ``signs_enough``, ``width_enough``. A KeyboardInterrupt ends the wait at once.
    """
    sizes = (count("width", width), count("copies", copies), count("signs", signs))
    text = _attreg.degree_window(sizes, (class_weight, margin), (small, large), failure)
    return Result(json.loads(text))


def catch_up(share: float, blocks: int = 6, *, risk: float | None = None) -> Result:
    """How likely an attacker with the ``share`` of the work catches up from ``blocks`` behind.

    The result has ``probability`` and ``poisson_form`` (Nakamoto's) as decimal strings of 30 digits and, with ``risk``, how many blocks
    are enough for a smaller one: ``blocks_enough``, ``blocks_by_poisson_form``. A KeyboardInterrupt ends the wait at once.
    """
    return Result(json.loads(_attreg.catch_up(share, count("blocks", blocks), risk)))


def chain(
    journal: str | os.PathLike[str],
    instance: Any = None,
    *,
    check: bool = False,
    rounds: int | None = None,
    resume: bool = False,
    method: str = "fedavg",
    seed: int = 0,
) -> Result:
    """Makes rounds of a federated problem as a chain of blocks in the file ``journal``, or follows one.

    ``instance``: a federated-softmax problem, as in :func:`attreg.reference`. ``rounds``: how many the chain is to have (100), with
    ``resume`` those of a chain that is there among them. ``check``: follow a chain that is there, without an instance by its digests
    alone, with one by making every round again, bit for bit.

    The result has ``status`` (``"made"``, ``"follows"`` or ``"broken"``), ``blocks``, ``digest``, ``loss``, and, where the chain is broken, ``line``
    and ``reason``. Ctrl-C ends after the round under way and raises :class:`attreg.Interrupted`; ``resume`` goes on from there. While
    a chain is followed it ends the wait at once.
    """
    seed = count("seed", seed)
    given = None if instance is None else posed(instance)
    if check:
        if rounds is not None or resume:
            raise ValueError(f"{'resume' if resume else 'rounds'} has no effect: with check no round is added")
        return Result(json.loads(_attreg.check_chain_of(given, journal, method, seed)))
    if given is None:
        raise ValueError("an instance is needed to make a chain; check=True follows one without")
    most = count("rounds", 100 if rounds is None else rounds)
    text, raised = _attreg.make_chain_of(given, journal, most, resume, method, seed)
    report = Result(json.loads(text))
    if isinstance(raised, KeyboardInterrupt):
        raise Interrupted(report) from None
    if raised is not None:
        raise raised
    return report
