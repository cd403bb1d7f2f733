"""What comes back, and how it is warned about and interrupted."""

from __future__ import annotations

from typing import Any

import numpy as np


class SolverWarning(UserWarning):
    """Something that the solver wants its user to know."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C ended the work early; ``result`` is what was found until then."""

    def __init__(self, result: Any) -> None:
        super().__init__("interrupted; the exception's `result` is what was found until then")
        self.result = result

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.result,)


class Result(dict):
    """A dictionary whose keys are attributes, too, as in SciPy's ``OptimizeResult``."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    __setattr__ = dict.__setitem__
    __delattr__ = dict.__delitem__

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *map(str, self)})

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (dict(self),)

    def __repr__(self) -> str:
        width = max(map(len, map(str, self)), default=0)
        lines = []
        for key, value in self.items():
            if isinstance(value, np.ndarray):
                text = np.array2string(value, threshold=20, prefix=" " * (width + 2))
            elif key == "trace":
                text = f"{len(value)} iterations"
            else:
                text = repr(value)
            lines.append(f"{key:>{width}}: {text}")
        return "\n".join(lines)
