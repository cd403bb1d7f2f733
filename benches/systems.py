#!/usr/bin/env python3
"""Regression by leverage, few labels, tensors and weighted low rank against their peers, one thread, in one run.

    python3 benches/systems.py [NAME ..]      needs numpy; tensorly and cmfrec where they are there; builds the program and runs it

- leverage-regression: 200,000 x 50, normal entries; numpy.linalg.lstsq, and A'A by numpy as what reading A once costs
- active-learning: leverage scores of 1,000,000 x 50, and 100 draws by them; the scores by numpy.linalg.qr
- tensor-power: n = 100 of order 3, 10 orthonormal components and noise; symmetric_parafac_power_iteration of tensorly
- weighted-low-rank: 2,000 x 1,000, rank 10, weights of all entries; cmfrec's explicit factorisation by alternating least squares

Best of three, in turn; the time of reading files does not count. A row ends with what the answers differ by.
"""

import json
import pathlib
import sys
import tempfile

from built import program as built_program
from peers import ours, timed

import numpy as np

ROUNDS = 3


class Bench:
    """A folder for arrays, and the program."""

    def __init__(self, program, folder):
        self.program, self.folder = program, folder

    def ours(self, *options):
        return ours(self.program, self.folder / "p.json", *options)

    def pose(self, **slots):
        given = {}
        for key, value in slots.items():
            if isinstance(value, np.ndarray):
                np.save(self.folder / f"{key}.npy", value)
                value = f"{key}.npy"
            given[key] = value
        (self.folder / "p.json").write_text(json.dumps(given))

    def compare(self, name, peers, *options, bound=True):
        """Peers by name, each a function; their results, and ours. Of a system without a bound both times are the same."""
        least = {peer: np.inf for peer in peers}
        plain = bounded = np.inf
        unbounded = ["--no-bound"] if bound else []
        results = {}
        for _ in range(ROUNDS):
            for peer, work in peers.items():
                seconds, results[peer] = timed(work)
                least[peer] = min(least[peer], seconds)
            plain = min(plain, self.ours(*unbounded, *options)[0])
            seconds, report = self.ours(*options)
            bounded = min(bounded, seconds)
        times = ", ".join(f"{peer} {1e3 * seconds:.0f} ms" for peer, seconds in least.items())
        ratios = ", ".join(f"{seconds / bounded:.1f}" for seconds in least.values())
        print(f"| {name} | {times} | {1e3 * plain:.0f} ms, {1e3 * bounded:.0f} ms | {ratios} | {report['method']}, {report['status']} | "
              f"{report['error_bound']} |", flush=True)
        return results, report


def leverage_regression(bench, rng):
    a, b = rng.standard_normal((200_000, 50)), rng.standard_normal(200_000)
    bench.pose(system="leverage-regression", matrix=a, target=b)
    peers = {"A'A": lambda: a.T @ a, "lstsq": lambda: np.linalg.lstsq(a, b, rcond=None)[0]}
    results, report = bench.compare("leverage-regression, 200,000 x 50", peers)
    x = np.ravel(report["x"]["x"])
    print(f"  x differs by {np.abs(x - results['lstsq']).max():.1e}")


def active_learning(bench, rng):
    pool, labels = rng.standard_normal((1_000_000, 50)), rng.standard_normal(1_000_000)
    bench.pose(system="active-learning", pool=pool, labels=labels, budget=100)
    peers = {"qr": lambda: (np.linalg.qr(pool)[0] ** 2).sum(axis=1)}
    bench.compare("active-learning, 1,000,000 x 50, 100 draws", peers, "--method", "leverage-draws")


def tensor_power(bench, rng):
    n, k = 100, 10
    v = np.linalg.qr(rng.standard_normal((n, k)))[0]
    values = np.linspace(1.0, 2.0, k)
    noise = rng.standard_normal((n, n, n)) * 1e-6
    noise = sum(np.transpose(noise, order) for order in ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0))) / 6
    t = np.einsum("ia,ja,ka,a->ijk", v, v, v, values, optimize=True) + noise
    t = t[tuple(np.sort(np.indices(t.shape), axis=0))]
    bench.pose(system="tensor-power", T=t, components=k)
    peers = {}
    try:
        from tensorly.decomposition import symmetric_parafac_power_iteration

        peers["tensorly"] = lambda: symmetric_parafac_power_iteration(t, rank=k)
    except ImportError:
        print("tensorly is not there", file=sys.stderr)
    results, report = bench.compare("tensor-power, n = 100, p = 3, k = 10", peers)

    def worst_sine(found):
        found = found / np.linalg.norm(found, axis=0)
        cosines = np.abs(v.T @ found).max(axis=1)
        return np.sqrt(np.maximum(1 - cosines**2, 0)).max()

    sines = {"ours": worst_sine(np.array(report["x"]["vectors"]))}
    if "tensorly" in results:
        sines["tensorly"] = worst_sine(np.asarray(results["tensorly"][1]))
    print(f"  iterations {report['iterations']}, worst sines {sines}")


def weighted_low_rank(bench, rng):
    n, m, k = 2000, 1000, 10
    target = rng.standard_normal((n, k)) @ rng.standard_normal((k, m)) + 0.1 * rng.standard_normal((n, m))
    weights = rng.uniform(0.5, 1.5, (n, m))
    bench.pose(system="weighted-low-rank", M=target, W=weights, rank=k)
    peers = {}
    try:
        from cmfrec import CMF

        def fit(sweeps):
            model = CMF(k=k, lambda_=1e-12, method="als", use_cg=False, niter=sweeps, user_bias=False, item_bias=False, center=False,
                        scale_lam=False, nthreads=1, verbose=False, finalize_chol=False, random_state=1)
            model.fit(target, W=weights * weights)
            return model.A_ @ model.B_.T

        peers = {f"cmfrec, {sweeps} sweeps": lambda sweeps=sweeps: fit(sweeps) for sweeps in (5, 10)}
    except ImportError:
        print("cmfrec is not there", file=sys.stderr)
    results, report = bench.compare("weighted-low-rank, 2,000 x 1,000, k = 10", peers, bound=False)
    losses = {name: 0.5 * float(((weights * (target - product)) ** 2).sum()) for name, product in results.items()}
    print(f"  losses: ours {report['loss']!r}, {losses}")


BENCHES = {
    "leverage-regression": leverage_regression,
    "active-learning": active_learning,
    "tensor-power": tensor_power,
    "weighted-low-rank": weighted_low_rank,
}


def main():
    program = built_program()
    print("| problem | peers | ours: without, with the bound | peers / ours with it | method, status | bound |")
    print("|---|---|---|---|---|---|")
    for name in sys.argv[1:] or BENCHES:
        with tempfile.TemporaryDirectory() as folder:
            BENCHES[name](Bench(program, pathlib.Path(folder)), np.random.default_rng(16))


if __name__ == "__main__":
    main()
