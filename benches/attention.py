#!/usr/bin/env python3
"""Exact attention against NumPy, JAX, PyTorch and the machine's own limits, on one core, in one run.

    python3 benches/attention.py      needs numpy; takes jax and torch in where they are; builds the program and runs it

Each size is a head with normal entries (seeded) at the scale sqrt(d). NumPy computes it whole and in blocks of rows, shifted by
the largest logit of each row, JAX its softmax as compiled (compiling does not count), PyTorch scaled_dot_product_attention; all in
f64. Ours comes with the bound of every output. The limit is 4 n^2 d flops at the rate of the
machine's dgemm and n^2 exponentials at the rate of NumPy's exp, measured beside them. Processor time, which other work on the machine
moves less than the clock; best of several, alternating. Ours is timed in process by benches/outputs_timing.rs: nobody's arrays are
read or written in that time.
"""

import json
import os
import pathlib
import subprocess
import tempfile
import time

os.environ.update({name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")})

import numpy as np  # noqa: E402

from built import built  # noqa: E402

SIZES = [(441, 32), (2048, 64), (8192, 64)]
ROUNDS = 5


def whole(q, k, v, scale):
    z = q @ k.T / scale
    z -= z.max(axis=1, keepdims=True)
    np.exp(z, out=z)
    return z @ v / z.sum(axis=1, keepdims=True)


def blocks(q, k, v, scale, rows=128):
    return np.vstack([whole(q[i:i + rows], k, v, scale) for i in range(0, len(q), rows)])


def peers():
    """Names with functions of q, k, v, scale."""
    yield "NumPy whole", whole
    yield "NumPy in blocks", blocks
    try:
        import jax
    except ImportError:
        print("jax is not here")
    else:
        jax.config.update("jax_enable_x64", True)
        compiled = jax.jit(lambda q, k, v, scale: jax.nn.softmax(q @ k.T / scale, axis=1) @ v)
        yield "JAX", lambda *arrays: np.asarray(compiled(*arrays))
    try:
        import torch
    except ImportError:
        print("torch is not here")
    else:
        torch.set_num_threads(1)
        attend = torch.nn.functional.scaled_dot_product_attention

        def with_torch(q, k, v, scale):
            q, k, v = (torch.from_numpy(array)[None, None] for array in (q, k, v))
            return attend(q, k, v, scale=1 / scale)[0, 0].numpy()

        yield "PyTorch", with_torch


def timed(work):
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


def ours(program, manifest):
    """Processor time, outputs and the largest bound."""
    file = manifest.with_suffix(".npy")
    command = [program, manifest, "--threads", "1", "--runs", "1", "--output", file]
    run = subprocess.run(command, check=True, capture_output=True, text=True)
    report = json.loads(run.stdout)
    return report["processor_min_s"], np.load(file), report["largest_error_bound"]


def written(folder, name, arrays, scale):
    """A manifest of these arrays."""
    files = {}
    for key, array in zip("QKV", arrays):
        files[key] = f"{name}-{key}.npy"
        np.save(folder / files[key], array)
    manifest = folder / f"{name}.json"
    manifest.write_text(json.dumps({"system": "exact-attention", **files, "scale": scale}))
    return manifest


def main():
    program = built("outputs_timing")
    if hasattr(os, "sched_setaffinity"):
        # Whatever a library makes of its threads; the program inherits it.
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    others = list(peers())
    print(f"| n, d | {' | '.join(name for name, _ in others)} | ours, with bounds | limit | ours / limit | best peer / ours | largest bound |")
    print("|---" * (len(others) + 6) + "|")
    for n, d in SIZES:
        rng = np.random.default_rng(13)
        q, k, v = (rng.standard_normal((n, d)) for _ in range(3))
        scale = float(np.sqrt(d))
        best = {}
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            manifest = written(folder, "all", (q, k, v), scale)
            square = rng.standard_normal((1024, 1024))
            column = -np.abs(rng.standard_normal(1 << 20))

            def note(name, seconds):
                best[name] = min(best.get(name, np.inf), seconds)

            for _ in range(ROUNDS):
                for name, attention in others:
                    seconds, exact = timed(lambda attention=attention: attention(q, k, v, scale))
                    note(name, seconds)
                seconds, outputs, bound = ours(program, manifest)
                note("ours", seconds)
                assert np.abs(outputs - exact).max() <= 2 * bound, f"ours and {name} disagree"
                note("dgemm", timed(lambda: square @ square)[0])
                note("exp", timed(lambda: np.exp(column))[0])
        flops = 2 * 1024**3 / best["dgemm"]
        limit = 4 * n * n * d / flops + n * n * best["exp"] / (1 << 20)
        peer = min(best[name] for name, _ in others)
        milliseconds = [f"{1e3 * best[name]:.1f} ms" for name in [*(name for name, _ in others), "ours"]]
        print(f"| {n}, {d} | {' | '.join(milliseconds)} | {1e3 * limit:.1f} ms | {best['ours'] / limit:.2f} | "
              f"{peer / best['ours']:.2f} | {bound:.1e} |")


if __name__ == "__main__":
    main()
