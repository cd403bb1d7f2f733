"""The claims of the papers, and campaigns that decide them."""

from __future__ import annotations

import json
from typing import Any

from . import _attreg
from ._arrays import count
from ._oracle import posed
from ._result import Interrupted

#: The seed of a campaign that names none, as that of the command.
DEFAULT_SEED = 2304


def claims(*names: str) -> list[dict[str, Any]]:
    """The claims of these ids or papers, or all, a dictionary each: ``pandas.DataFrame(attreg.claims())``."""
    return json.loads(_attreg.claims(list(names)))["claims"]


def verify(
    ids: str | list[str] | tuple[str, ...] = (),
    *,
    cases: int | None = None,
    seed: int = DEFAULT_SEED,
    instances: dict[str, Any] | None = None,
) -> list[dict[str, Any]]:
    """Decides claims by their ids or papers, all if none is named, a dictionary each.

    ``cases``: random cases for each claim instead of its own number. ``instances``: check these and nothing else, by names of
    yours. Ctrl-C finishes the cases under way and raises :class:`Interrupted`, whose ``result`` has what is done.
    """
    names = [ids] if isinstance(ids, str) else list(ids)
    if cases is not None and cases < 1:
        raise ValueError(f"cases is {cases}: must be at least 1")
    if cases is not None and instances is not None:
        raise ValueError("cases has no effect: with instances no case is drawn")
    only = None
    if instances is not None:
        only = [(name, posed(instance)) for name, instance in instances.items()]
    text, raised = _attreg.verify(names, count("seed", seed), cases, only)
    found = json.loads(text)["claims"]
    if isinstance(raised, KeyboardInterrupt):
        raise Interrupted(found) from None
    if raised is not None:
        raise raised
    return found
