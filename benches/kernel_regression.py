#!/usr/bin/env python3
"""Attention kernel regression against NumPy and SciPy, one thread, in one run.

    python3 benches/kernel_regression.py      needs numpy and scipy; builds the program and runs it

Powers: A of 100,000 x 64, normal entries (seeded), columns of one size and over six decades; numpy.linalg.qr(mode="r") alone against our whole
solve of (A'A) x = b, factor, triangular solves, loss and gradient, with and without the bound. Kernel: n = 3000, d = 32, normal
entries at two sizes, lambda = 0.01; SciPy forms the kernel G and factors it, ours does what `auto` takes. Best of several,
alternating; the time of reading files does not count.
"""

import json
import pathlib
import tempfile

from built import program as built_program
from peers import ours, timed

import numpy as np
from scipy.linalg import cho_factor, cho_solve

ROUNDS = 3


def equilibrated(a, ridge, b):
    """(D G D + lambda I) x = b by SciPy: G from squares and one product, its diagonal with lambda, a Cholesky factorisation."""
    squares = (a * a).sum(axis=1)
    g = np.exp(-np.maximum(squares[:, None] + squares - 2 * a @ a.T, 0) / 2)
    scale = np.exp(-squares / 2)
    g[np.diag_indices(len(a))] = 1 + ridge * scale * scale
    return scale * cho_solve(cho_factor(g, lower=True, overwrite_a=True), scale * b)


def row(name, peer, plain, bounded, report):
    print(f"| {name} | {1e3 * peer:.0f} ms | {1e3 * plain:.0f} ms, {1e3 * bounded:.0f} ms | {peer / plain:.1f}, {peer / bounded:.1f} | "
          f"{report['method']}, {report['iterations']} | {report['status']} | {report['error_bound']} |")


def compare(program, folder, arrays, name, peer):
    for key, value in arrays.items():
        if isinstance(value, np.ndarray):
            np.save(folder / f"{key}.npy", value)
    manifest = folder / "p.json"
    manifest.write_text(json.dumps({
        "system": "attention-kernel-regression",
        **{key: f"{key}.npy" if isinstance(value, np.ndarray) else value for key, value in arrays.items()},
    }))
    best = [np.inf, np.inf, np.inf]
    for _ in range(ROUNDS):
        seconds, exact = timed(peer)
        best[0] = min(best[0], seconds)
        seconds, _ = ours(program, manifest, "--no-bound")
        best[1] = min(best[1], seconds)
        seconds, report = ours(program, manifest)
        best[2] = min(best[2], seconds)
    if arrays["kind"] == "kernel":
        x = np.array(report["x"]["x"])
        assert np.linalg.norm(x - exact) <= 1e-8 * np.linalg.norm(exact), "ours and SciPy disagree"
    row(name, *best, report)


def main():
    program = built_program()
    rng = np.random.default_rng(6)
    print("| problem | peer | ours: without, with the bound | peer / ours | method, products | status | bound |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        tall = rng.standard_normal((100_000, 64))
        for decades in (0, 6):
            a = tall * np.logspace(0, -decades, 64)
            arrays = {"matrix": a, "kind": "even", "power": 1, "target": rng.standard_normal(64)}
            compare(program, folder, arrays, f"100,000 x 64, columns over {decades} decades", lambda: np.linalg.qr(a, mode="r"))
        for size in (0.7, 0.35):
            a = size * rng.standard_normal((3000, 32))
            arrays = {"matrix": a, "kind": "kernel", "ridge": 0.01, "target": rng.standard_normal(3000)}
            compare(program, folder, arrays, f"kernel, n = 3000, entries of size {size}", lambda: equilibrated(a, 0.01, arrays["target"]))


if __name__ == "__main__":
    main()
