"""Cases of the conformance kit for pytest. A failure is a :class:`attreg.testing.Mismatch`, whose text says what is wrong.

``attreg_case`` runs a test once for each case, ``attreg_cases`` is the list of them. ``@pytest.mark.attreg("softmax", "exp")`` keeps
those of some systems, ``ids=[..]`` those of these names.
"""

from __future__ import annotations

from typing import Any

import pytest


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "attreg(*systems, ids=None): the cases of the conformance kit that attreg_case and attreg_cases give",
    )


def _cases(marker: pytest.Mark | None) -> list[Any]:
    # Imported when a test asks: pytest loads this file wherever the package is installed.
    from attreg import testing

    systems, ids = (marker.args, marker.kwargs.get("ids")) if marker else ((), None)
    cases = testing.kit(*systems)
    if ids is None:
        return cases
    unknown = sorted(set(ids) - {case.id for case in cases})
    if unknown:
        raise pytest.UsageError(f"the conformance kit has no case {', '.join(unknown)} of these systems")
    return [case for case in cases if case.id in ids]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "attreg_case" in metafunc.fixturenames:
        cases = _cases(metafunc.definition.get_closest_marker("attreg"))
        metafunc.parametrize("attreg_case", cases, ids=[case.id for case in cases])


@pytest.fixture
def attreg_cases(request: pytest.FixtureRequest) -> list[Any]:
    """The cases of the conformance kit that the marker keeps."""
    return _cases(request.node.get_closest_marker("attreg"))

