"""Arrays of users as the extension takes them: float64, by rows."""

from __future__ import annotations

from operator import index
from typing import Any

import numpy as np


def host(array: Any) -> Any:
    """The array as NumPy sees it: tensors are detached, moved to the processor and, where NumPy has no word for their type, widened."""
    if hasattr(array, "detach") and hasattr(array, "cpu"):
        array = array.detach().cpu()
        if str(array.dtype) == "torch.bfloat16":
            array = array.float()
        return array.numpy()
    return array


def as_float64(name: str, array: Any, *, switch: bool = False) -> np.ndarray:
    """The array in float64: itself where it is one already, else a copy that holds the same numbers, or an error."""
    array = np.asarray(host(array))
    kind = array.dtype.kind
    if kind == "f" and array.dtype.itemsize <= 8:
        return array.astype(np.float64, copy=False)
    if kind in "iu":
        converted = array.astype(np.float64)
        # Beyond 2^53 a whole number need not be a float64; what rounds up to 2^63 is no int64 any more.
        if array.size and max(abs(int(array.max())), abs(int(array.min()))) > 2**53:
            flat = zip(array.ravel().tolist(), converted.ravel().tolist())
            for index, (exact, rounded) in enumerate(flat):
                if int(rounded) != exact:
                    place = ", ".join(str(k) for k in np.unravel_index(index, array.shape))
                    raise ValueError(f"{name}[{place}] is {exact}: no float64 holds it")
        return converted
    if array.dtype.name == "bfloat16" or (switch and kind == "b"):
        return array.astype(np.float64)
    raise TypeError(f"{name} has dtype {array.dtype}: real numbers are needed")


def by_rows(name: str, array: Any, axes: int) -> np.ndarray:
    """The array in float64, contiguous by rows and aligned, without a copy where it is so already."""
    array = as_float64(name, array)
    if array.ndim != axes:
        shape = " x ".join(str(side) for side in array.shape) or "a number"
        wanted = {1: "a vector", 2: "a matrix"}[axes]
        raise ValueError(f"{name} is {shape}, expected {wanted}")
    return np.require(array, dtype=np.float64, requirements=["C", "A"])


def is_sparse(matrix: Any) -> bool:
    """Whether it is one of SciPy's sparse matrices or arrays, which need not be imported to tell."""
    return hasattr(matrix, "tocsr") and hasattr(matrix, "nnz")


def compressed_rows(matrix: Any) -> tuple[list[int], np.ndarray, np.ndarray, np.ndarray]:
    """Shape, row starts, columns and values of a sparse matrix."""
    rows = matrix.tocsr()
    return (
        [int(side) for side in rows.shape],
        np.asarray(rows.indptr, dtype=np.int64),
        np.asarray(rows.indices, dtype=np.int64),
        by_rows("A.data", rows.data, 1),
    )


def count(name: str, value: Any) -> int:
    """A whole number from 0 on that the extension can hold, or an error with its name."""
    number = index(value)
    if number < 0:
        raise ValueError(f"{name} is {number}: must not be negative")
    if number >= 2**64:
        raise ValueError(f"{name} is {number}: must be below 2^64")
    return number


def plain(value: Any) -> Any:
    """Arrays as nested lists, for JSON; every float keeps its bits."""
    value = host(value)
    if isinstance(value, dict):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, (str, bool, int, float)) or value is None:
        return value
    if isinstance(value, (list, tuple)):
        return [plain(entry) for entry in value]
    array = np.asarray(value)
    if array.dtype.kind in "OUS":
        return array.astype(str).tolist()
    if array.dtype.kind == "b":
        return array.tolist()
    return as_float64("array", array).tolist()
