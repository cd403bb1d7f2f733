#!/usr/bin/env python3
"""Seeded instances of softmax regression for benches: min 0.5 ||softmax(A x) - b||^2 + 0.5 ||diag(w) A x||^2.

    python3 benches/generate.py --out benches/data --size medium large --variant theory weak

Writes a folder for each instance: A.npy (dense) or A_indptr.npy, A_indices.npy, A_data.npy (compressed sparse rows), with
--mtx also A.mtx; b.npy, w.npy, x0.npy, x_true.npy; meta.json; and instance.json, the manifest that `attreg solve` reads.
Needs numpy and scipy.

The target is planted: b = 0.9 softmax(A x_true) + 0.1 on 20 random rows, with x_true so long that the largest probability is
0.2. Rows of A are mildly heavy-tailed. Variants:

    theory     ||A|| = 1 and w_i^2 = (100 + 1 / sigma_min(A)^2) U[1, 2]: what the theorems ask for
    practice   entries of A of size 1, w_i = 0.01
    weak       entries of size 1, w_i^2 = 1e-4 U[0.5, 1.5] / n: the Hessian is indefinite away from the answer
    weak8      as weak, w a hundred times smaller
"""

import argparse
import json
import os

import numpy as np
import scipy.sparse as sp

SIZES = {  # n, d, nonzeros a row (None: dense)
    "tiny": (500, 8, None),
    "small": (2_000, 20, None),
    "medium": (100_000, 64, None),
    "wide": (20_000, 500, None),
    "large": (1_000_000, 200, 10),
    "xl": (4_000_000, 500, 8),
}
VARIANTS = ["theory", "practice", "weak", "weak8"]
CONDITION = 100.0  # of a dense A
POPULARITY = 0.8  # column k of a sparse A is drawn with probability proportional to (k + 1)^-POPULARITY
LARGEST_PROBABILITY = 0.2
SPIKES, SPIKE_MASS = 20, 0.1
ROWS_AT_ONCE = 50_000


def heavy_tail(rng, rows):
    return np.exp(0.3 * rng.standard_normal((rows, 1)))


def dense_matrix(rng, n, d):
    basis, _ = np.linalg.qr(rng.standard_normal((d, d)))
    scales = np.logspace(0, -np.log10(CONDITION), d)
    scales *= np.sqrt(d / np.sum(scales**2))
    mixing = (basis * scales) @ basis.T
    matrix = np.empty((n, d))
    for first in range(0, n, ROWS_AT_ONCE):
        rows = min(ROWS_AT_ONCE, n - first)
        matrix[first : first + rows] = rng.standard_normal((rows, d)) @ mixing
        matrix[first : first + rows] *= heavy_tail(rng, rows)
    return matrix


def sparse_matrix(rng, n, d, k):
    weights = 1.0 / np.arange(1, d + 1) ** POPULARITY
    logs = np.log(weights / weights.sum())
    places = rng.permutation(d)
    columns = np.empty((n, k), dtype=np.int32)
    step = max(1, 20_000_000 // d)
    for first in range(0, n, step):  # the k largest of log-weights plus Gumbel noise are a draw without replacement
        rows = min(step, n - first)
        keys = logs + rng.gumbel(size=(rows, d))
        drawn = np.argpartition(-keys, k, axis=1)[:, :k]
        columns[first : first + rows] = np.sort(places[drawn], axis=1)
    values = rng.standard_normal((n, k)) * heavy_tail(rng, n)
    offsets = np.arange(0, n * k + 1, k, dtype=np.int64)
    return sp.csr_matrix((values.ravel(), columns.ravel(), offsets), shape=(n, d))


def gram(matrix):
    if sp.issparse(matrix):
        return (matrix.T @ matrix).toarray()
    total = np.zeros((matrix.shape[1],) * 2)
    for first in range(0, matrix.shape[0], 65_536):
        block = matrix[first : first + 65_536]
        total += block.T @ block
    return total


def softmax(z):
    e = np.exp(z - z.max())
    return e / e.sum()


def spread_for(shape):
    """The multiple of unit-variance logits at which the largest probability is as wanted, by bisection."""
    low, high = 0.0, 100.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        if softmax(middle * shape).max() < LARGEST_PROBABILITY:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)


def make(size, variant, seed, out, with_mtx):
    n, d, k = SIZES[size]
    rng = np.random.default_rng([seed, n, d])
    matrix = dense_matrix(rng, n, d) if k is None else sparse_matrix(rng, n, d, k)
    x_true = rng.standard_normal(d)
    logits = matrix @ x_true
    x_true *= spread_for(logits / logits.std()) / logits.std()
    eigenvalues = np.linalg.eigvalsh(gram(matrix))
    largest, smallest = np.sqrt(eigenvalues[-1]), np.sqrt(max(eigenvalues[0], 0.0))
    target = softmax(matrix @ x_true)
    spikes = np.zeros(n)
    rows = rng.choice(n, SPIKES, replace=False)
    spikes[rows] = rng.dirichlet(np.ones(SPIKES))
    target = (1 - SPIKE_MASS) * target + SPIKE_MASS * spikes
    if variant == "theory":
        if k is None:
            matrix /= largest
        else:
            matrix.data /= largest
        x_true *= largest
        smallest, largest = smallest / largest, 1.0
        weights = np.sqrt((100.0 + 1.0 / smallest**2) * rng.uniform(1, 2, n))
    elif variant == "practice":
        weights = np.full(n, 1e-2)
    else:
        size_of_weights = 1e-2 if variant == "weak" else 1e-4
        weights = size_of_weights * np.sqrt(rng.uniform(0.5, 1.5, n) / n)
    folder = os.path.join(out, f"{size}_{variant}")
    os.makedirs(folder, exist_ok=True)
    if k is None:
        arrays, files = {"A": matrix}, "A.npy"
    else:
        arrays = {
            "A_indptr": matrix.indptr.astype(np.int64),
            "A_indices": matrix.indices.astype(np.int32),
            "A_data": matrix.data,
        }
        files = {"indptr": "A_indptr.npy", "indices": "A_indices.npy", "data": "A_data.npy", "shape": [n, d]}
        if with_mtx:
            import scipy.io

            scipy.io.mmwrite(os.path.join(folder, "A.mtx"), matrix, precision=17)
    arrays.update(b=target, w=weights, x0=np.zeros(d), x_true=x_true)
    for name, array in arrays.items():
        np.save(os.path.join(folder, f"{name}.npy"), array)
    manifest = {"loss": "softmax", "matrix": files, "target": "b.npy", "weights": "w.npy", "start": "x0.npy"}
    meta = {"size": size, "variant": variant, "seed": seed, "n": n, "d": d, "sigma_max": largest, "sigma_min": smallest}
    for name, content in (("instance", manifest), ("meta", meta)):
        with open(os.path.join(folder, f"{name}.json"), "w") as file:
            json.dump(content, file, indent=1, default=float)
    print(folder, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", default=os.path.join(os.path.dirname(os.path.abspath(__file__)), "data"))
    parser.add_argument("--size", nargs="+", default=["small", "medium"], choices=list(SIZES))
    parser.add_argument("--variant", nargs="+", default=VARIANTS[:3], choices=VARIANTS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--mtx", action="store_true", help="write sparse matrices as Matrix Market text, too")
    arguments = parser.parse_args()
    for size in arguments.size:
        for variant in arguments.variant:
            make(size, variant, arguments.seed, arguments.out, arguments.mtx)


if __name__ == "__main__":
    main()
