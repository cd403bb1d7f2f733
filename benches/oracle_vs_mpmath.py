#!/usr/bin/env python3
"""Oracle against mpmath, in one run, on one instance.

The oracle evaluates a graph that was derived from the definition of the loss. mpmath evaluates the closed form

    p = softmax(A x),  c = p - b,  s = <c, p>,  u = (2p - b) o p
    L = <c, c>/2 + <w o z, w o z>/2
    g = A'(p o c - s p + w^2 o z)
    H = A' diag(u - s p + w^2) A + <3p - 2b, p> (A'p)(A'p)' - (A'u)(A'p)' - (A'p)(A'u)'

without forming an n x n matrix, so it does less work than any general method. Bar: the oracle's evaluation takes at most
3 times as long and agrees to 36 digits; building and differentiating the graph takes at most 10 evaluations.

    python3 benches/oracle_vs_mpmath.py [ROWS COLUMNS SEED]      needs python3 with mpmath, and cargo

Exit status 0 if all three bars are met, 1 otherwise.
"""

import json
import subprocess
import sys
import time

from mpmath import mp, mpf

ORACLE_DIGITS = 40
CHECK_DIGITS = 60
REQUIRED_DIGITS = 36
RUNS = 20


def closed_form(A, b, w, x):
    """Loss, gradient and Hessian, with mpmath's fused dot product wherever there is a sum of products."""
    dot, d = mp.fdot, len(A[0])
    columns = [[row[j] for row in A] for j in range(d)]
    z = [dot(row, x) for row in A]
    e = [mp.exp(t) for t in z]
    scale = 1 / mp.fsum(e)
    p = [t * scale for t in e]
    c = [q - t for q, t in zip(p, b)]
    s = dot(c, p)
    u = [(q + r) * q for q, r in zip(p, c)]
    w2 = [t * t for t in w]
    ridge = [k * t for k, t in zip(w2, z)]
    loss = (dot(c, c) + dot(ridge, z)) / 2
    slope = [q * (t - s) + r for q, t, r in zip(p, c, ridge)]
    gradient = [dot(column, slope) for column in columns]
    diagonal = [t - s * q + k for t, q, k in zip(u, p, w2)]
    outer = mp.fsum(u) + dot(c, p)
    ap = [dot(column, p) for column in columns]
    au = [dot(column, u) for column in columns]
    hessian = [[None] * d for _ in range(d)]
    for j in range(d):
        scaled = [t * a for t, a in zip(diagonal, columns[j])]
        for k in range(j + 1):
            h = dot(scaled, columns[k]) + (outer * ap[j] - au[j]) * ap[k] - ap[j] * au[k]
            hessian[j][k] = hessian[k][j] = h
    return loss, gradient, hessian


def best_seconds(run):
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


def digits(ours, theirs):
    """Normwise: -log10(max error / max value)."""
    error = max(abs(mpf(a) - b) for a, b in zip(ours, theirs))
    scale = max(abs(b) for b in theirs)
    return float("inf") if error == 0 else float(-mp.log10(error / scale))


def main():
    arguments = sys.argv[1:] or ["64", "8", "1"]
    command = ["cargo", "bench", "--quiet", "--bench", "oracle_timing", "--"]
    report = json.loads(subprocess.run(command + arguments, check=True, stdout=subprocess.PIPE).stdout)

    def lifted():
        convert = lambda values: [mpf(v) for v in values]
        return [convert(r) for r in report["matrix"]], convert(report["target"]), convert(report["weights"]), convert(report["x"])

    mp.dps = ORACLE_DIGITS
    problem = lifted()
    mpmath_seconds = best_seconds(lambda: closed_form(*problem))

    mp.dps = CHECK_DIGITS
    loss, gradient, hessian = closed_form(*lifted())
    values = report["values"]
    agreement = {
        "loss": digits([values["loss"]], [loss]),
        "gradient": digits(values["gradient"], gradient),
        "Hessian": digits(sum(values["hessian"], []), sum(hessian, [])),
    }

    evaluate, alone, build = (report[k] for k in ("evaluate_seconds", "evaluate_one_thread_seconds", "build_seconds"))
    print(f"n = {report['rows']}, d = {report['columns']}: {report['nodes']} nodes, {report['terms']} terms")
    print(f"mpmath, structured closed form   {1e3 * mpmath_seconds:8.2f} ms")
    print(f"oracle, evaluate                 {1e3 * evaluate:8.2f} ms   {evaluate / mpmath_seconds:5.2f} x mpmath (bar: 3)")
    print(f"oracle, evaluate, one thread     {1e3 * alone:8.2f} ms   {alone / mpmath_seconds:5.2f} x mpmath")
    print(f"oracle, build and differentiate  {1e3 * build:8.2f} ms   {build / evaluate:5.2f} evaluations (bar: 10)")
    for name, count in agreement.items():
        print(f"digits of the {name:<10} {count:6.2f} (bar: {REQUIRED_DIGITS})")
    met = evaluate <= 3 * mpmath_seconds and build <= 10 * evaluate and min(agreement.values()) >= REQUIRED_DIGITS
    print("bars met" if met else "BARS NOT MET")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
