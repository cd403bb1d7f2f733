"""What a call from Python costs beyond the same solve in Rust, and what an import costs.

    pip install ./python                       # the release wheel
    python python/benches/overhead.py          # builds the Rust side with the release profile; --target DIR: where

Softmax regression of 2,000 x 20, posed and solved with default settings (`--without-bound`: no error bound), by one thread. Processes of both sides take turns; each solves
often, after some solves that do not count. The processor's time is that of a whole process less that of one without solves, for a
solve; wall times are of single solves. On a busy machine trust the processor's time, and the least of the wall times.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROWS, COLUMNS = 2000, 20
WARM_UP = 20

PYTHON = """
import json, sys, time
import numpy as np
import attreg
A, b = np.load(sys.argv[1] + "/A.npy"), np.load(sys.argv[1] + "/b.npy")
taken = []
for _ in range(int(sys.argv[2])):
    begun = time.perf_counter_ns()
    result = attreg.solve(A, b, 0.5, bound=sys.argv[3] == "bound")
    taken.append(time.perf_counter_ns() - begun)
    assert result.success
print(json.dumps(taken))
"""

IMPORT = """
import time
import numpy
wall, processor = time.perf_counter(), time.process_time()
import attreg
print(time.perf_counter() - wall, time.process_time() - processor)
"""


def run(command: list[str]) -> tuple[str, float]:
    """What a process printed, and the seconds that it used of the processors."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {**os.environ, "RAYON_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return done.stdout, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=1000, help="solves of a process")
    parser.add_argument("--turns", type=int, default=7, help="processes of each side")
    parser.add_argument("--without-bound", action="store_true", help="solve without the error bound")
    parser.add_argument("--target", help="target directory of the Rust side")
    arguments = parser.parse_args()
    import numpy as np

    bound = "none" if arguments.without_bound else "bound"
    manifest = Path(__file__).resolve().parents[1] / "Cargo.toml"
    build = ["cargo", "bench", "--quiet", "--no-run", "--bench", "rust_side", "--message-format=json"]
    build += ["--manifest-path", str(manifest)]
    build += ["--target-dir", arguments.target] if arguments.target else []
    lines = subprocess.run(build, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
    built = [line for line in map(json.loads, lines) if line.get("executable") and line["target"]["name"] == "rust_side"]
    with tempfile.TemporaryDirectory() as directory:
        random = np.random.default_rng(20)
        b = random.random(ROWS)
        np.save(f"{directory}/A.npy", random.standard_normal((ROWS, COLUMNS)))
        np.save(f"{directory}/b.npy", b / b.sum())
        sides = {
            "Rust": [built[0]["executable"], directory],
            "Python": [sys.executable, "-c", PYTHON, directory],
        }
        wall: dict[str, list[float]] = {side: [] for side in sides}
        processor: dict[str, list[float]] = {side: [] for side in sides}
        for _ in range(arguments.turns):
            for side, command in sides.items():
                empty = run([*command, str(WARM_UP), bound])[1]
                text, used = run([*command, str(WARM_UP + arguments.calls), bound])
                wall[side] += [taken / 1e6 for taken in json.loads(text)[WARM_UP:]]
                processor[side].append((used - empty) / arguments.calls * 1e3)
    how = "without" if arguments.without_bound else "with"
    print(f"{ROWS} x {COLUMNS} {how} the error bound, {arguments.turns} processes of {arguments.calls} solves each; milliseconds of a solve")
    print(f"{'':8}{'processor':>11}{'least':>9}{'median':>9}")
    rows = {
        side: [statistics.median(processor[side]), min(wall[side]), statistics.median(wall[side])] for side in sides
    }
    rows["more"] = [python - rust for python, rust in zip(rows["Python"], rows["Rust"])]
    for side, (used, least, median) in rows.items():
        print(f"{side:8}{used:>11.3f}{least:>9.3f}{median:>9.3f}")
    imports = [[1e3 * float(part) for part in run([sys.executable, "-c", IMPORT])[0].split()] for _ in range(21)]
    used, least = statistics.median(row[1] for row in imports), min(row[0] for row in imports)
    median = statistics.median(row[0] for row in imports)
    print(f"import of attreg after that of numpy: processor {used:.1f} ms, least {least:.1f} ms, median {median:.1f} ms")


if __name__ == "__main__":
    main()
