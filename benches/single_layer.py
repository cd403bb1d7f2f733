#!/usr/bin/env python3
"""Planted heads of single-layer attention: solved from a tenth of the answer beside peers, and from random starts.

    python3 benches/single_layer.py [--starts 20] [DIRECTORY/NAME ...]      needs numpy and scipy; jax and optimistix if they are there

NAME-Q.npy, NAME-K.npy and NAME-V.npy are A1, A2 and A3; the default is the head of fixtures/systems. B is planted: X = I / sqrt(d),
Y = I. Peers start at the same X with the same Y (the best one for it) and stop at the gradient that ours is asked for, 1e-10 of the one at the
start, or when their time is over; the time of reading files does not count. One thread each, one after the other.

With --starts the whitened X of every start is normal (seeded) with a quarter of the planted one's norm; a start is counted as planted
where the loss ends below 1e-18 of |B|^2, as another minimum where the program says converged elsewhere.
"""

import argparse
import collections
import json
import os
import pathlib
import subprocess
import tempfile
import time

os.environ.update({name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")})
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")

import numpy as np  # noqa: E402

from built import program as built_program  # noqa: E402

TOLERANCE = 1e-10
LIMIT = 120.0


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


class Head:
    """Arrays of one head, its planted answer and the start."""

    def __init__(self, name):
        self.name = pathlib.Path(name).name
        self.a1, self.a2, self.a3 = (np.load(f"{name}-{part}.npy").astype(float) for part in "QKV")
        self.n, self.d = self.a1.shape
        self.x = np.eye(self.d) / np.sqrt(self.d)
        self.b = softmax(self.a1 @ self.x @ self.a2.T) @ self.a3
        self.first = np.linalg.qr(self.a1)[1]
        self.second = np.linalg.qr(self.a2 - self.a2.mean(axis=0))[1]

    def best_values(self, x):
        return np.linalg.lstsq(softmax(self.a1 @ x @ self.a2.T) @ self.a3, self.b, rcond=None)[0]

    def random_start(self, rng):
        w = rng.standard_normal((self.d, self.d))
        w *= np.linalg.norm(self.first @ self.x @ self.second.T) / (4 * np.linalg.norm(w))
        return np.linalg.solve(self.first, np.linalg.solve(self.second, w.T).T)

    def loss_and_gradient(self, point):
        x, y = point.reshape(2, self.d, self.d)
        f = softmax(self.a1 @ x @ self.a2.T)
        mixed, values = f @ self.a3, self.a3 @ y
        c = mixed @ y - self.b
        q = c @ values.T
        slope = f * (q - (f * q).sum(axis=1, keepdims=True))
        return 0.5 * (c * c).sum(), np.concatenate([(self.a1.T @ slope @ self.a2).ravel(), (mixed.T @ c).ravel()])

    def solve(self, program, x, *options):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            for name, array in (("A1", self.a1), ("A2", self.a2), ("A3", self.a3), ("B", self.b)):
                np.save(folder / f"{name}.npy", array)
            start = {"X": x.tolist(), "Y": np.eye(self.d).tolist()}
            manifest = {"system": "single-layer-attention", "A1": "A1.npy", "A2": "A2.npy", "A3": "A3.npy", "B": "B.npy", "start": start}
            (folder / "head.json").write_text(json.dumps(manifest))
            command = [program, "solve", str(folder / "head.json"), "--threads", "1", "--json", *options]
            run = subprocess.run(command, capture_output=True, text=True)
            if not run.stdout:
                raise SystemExit(run.stderr)
            return json.loads(run.stdout)


class Late(Exception):
    """The time of a peer is over."""


def lbfgs(head, point):
    from scipy.optimize import minimize

    begun, last = time.perf_counter(), {}

    def follow(x):
        last["x"] = x
        if time.perf_counter() - begun > LIMIT:
            raise Late

    try:
        last["x"] = minimize(
            head.loss_and_gradient, point, jac=True, method="L-BFGS-B", callback=follow,
            options={"maxiter": 10**6, "maxfun": 10**7, "gtol": 0, "ftol": 0, "maxcor": 20},
        ).x
    except Late:
        pass
    return time.perf_counter() - begun, last["x"]


def trf(head, point):
    from scipy.optimize import least_squares

    begun, last = time.perf_counter(), {"x": point}

    def parts(t):
        last["x"] = t.copy()
        if time.perf_counter() - begun > LIMIT:
            raise Late
        x, y = t.reshape(2, head.d, head.d)
        f = softmax(head.a1 @ x @ head.a2.T)
        return f, f @ head.a3, head.a3 @ y, y

    def residual(t):
        _, mixed, _, y = parts(t)
        return (mixed @ y - head.b).ravel()

    def jacobian(t):
        f, mixed, values, _ = parts(t)
        d, m = head.d, values.shape[1]
        pulled = np.einsum("jk,kq,ki->jqi", f, head.a2, values, optimize=True)
        pulled -= np.einsum("jq,ji->jqi", f @ head.a2, f @ values)
        in_x = np.einsum("jp,jqi->jipq", head.a1, pulled).reshape(head.n * m, d * d)
        in_y = np.einsum("js,ik->jisk", mixed, np.eye(m)).reshape(head.n * m, d * m)
        return np.hstack([in_x, in_y])

    try:
        last["x"] = least_squares(residual, point, jacobian, method="trf", tr_solver="lsmr", xtol=1e-15, ftol=1e-15, gtol=1e-15).x
    except Late:
        pass
    return time.perf_counter() - begun, last["x"]


def levenberg(head, point):
    import jax
    import jax.numpy as jnp
    import optimistix

    jax.config.update("jax_enable_x64", True)
    a1, a2, a3, b = (jnp.asarray(part) for part in (head.a1, head.a2, head.a3, head.b))

    def residual(t, _):
        x, y = t.reshape(2, head.d, head.d)
        return (jax.nn.softmax(a1 @ x @ a2.T, axis=1) @ (a3 @ y) - b).ravel()

    solver = optimistix.LevenbergMarquardt(rtol=1e-13, atol=1e-13)
    begun = time.perf_counter()
    found = optimistix.least_squares(residual, solver, jnp.asarray(point), max_steps=200, throw=False)
    return time.perf_counter() - begun, np.asarray(found.value)


def peers(head, program):
    x = 0.1 * head.x
    point = np.concatenate([x.ravel(), head.best_values(x).ravel()])
    norm = lambda t: np.linalg.norm(head.loss_and_gradient(t)[1])
    print(f"\n{head.name}: from a tenth of the planted X\n")
    print("| | seconds | loss | gradient / start's | distance of X |")
    print("|---|---|---|---|---|")

    def row(name, seconds, found):
        apart = np.linalg.norm(found[: head.d**2].reshape(head.d, head.d) - head.x) / np.linalg.norm(head.x)
        loss = head.loss_and_gradient(found)[0]
        print(f"| {name} | {seconds:.2f} | {loss:.1e} | {norm(found) / norm(point):.1e} | {apart:.1e} |", flush=True)

    for name, options in (("ours, with the bound", ()), ("ours, no bound", ("--no-bound",))):
        reports = [head.solve(program, x, *options) for _ in range(3)]
        best = min(reports, key=lambda report: report["seconds"])
        row(name, best["seconds"], np.concatenate([np.ravel(best["x"]["X"]), np.ravel(best["x"]["Y"])]))
        print(f"<!-- {best['status']}, {best['iterations']} steps; {best['error_bound']}; {best['error_bound_basis']} -->")
    for name, peer in (("SciPy L-BFGS-B", lbfgs), ("SciPy least_squares trf, its Jacobian by hand", trf), ("optimistix LM", levenberg)):
        try:
            row(name, *peer(head, point))
        except ImportError:
            print(f"| {name} | not installed | | | |")


def starts(head, program, count):
    rng = np.random.default_rng(15)
    ends, steps, seconds = collections.Counter(), [], 0.0
    for _ in range(count):
        report = head.solve(program, head.random_start(rng), "--no-bound", "--tolerance", str(TOLERANCE))
        planted = report["loss"] <= 1e-18 * (head.b**2).sum()
        ends["planted" if planted else f"elsewhere: {report['status']}"] += 1
        steps.append(report["iterations"])
        seconds += report["seconds"]
        print(f"<!-- {report['status']}, loss {report['loss']:.6e}, {report['iterations']} steps, {report['seconds']:.1f} s -->", flush=True)
    print(f"{head.name}: {count} random starts: {dict(ends)}, {min(steps)} to {max(steps)} steps, {seconds:.0f} s")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--starts", type=int, default=0)
    parser.add_argument("heads", nargs="*")
    given = parser.parse_args()
    program = built_program()
    default = pathlib.Path(__file__).resolve().parent.parent / "fixtures" / "systems" / "layer0-head5"
    for name in given.heads or [str(default)]:
        head = Head(name)
        if given.starts:
            starts(head, program, given.starts)
        else:
            peers(head, program)


if __name__ == "__main__":
    main()
