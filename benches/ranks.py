#!/usr/bin/env python3
"""The memory of each rank of `mpirun -n N attreg solve`: the largest resident set that the system saw, read on it when it has ended.

    python3 benches/ranks.py                      Open MPI or MPICH by `mpirun`; the first call writes the instances, about 600 MB
    python3 benches/ranks.py --mpirun mpirun.mpich --ranks 1 2 4 --folder /tmp/ranks

Needs Python 3.9 or later, and `cargo build --release --features mpi` before. Entries are drawn from seed 1. All ranks are on this machine, one
thread each. The answers of all runs must have the same bytes; status 1 if they have not. The table goes to standard output.
"""

import argparse
import array
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = ROOT / "target/release/attreg"
# A rank by way of Python, which is told of what it used: the maximum is that of the child alone.
CHILD = """
import os, resource, subprocess, sys
status = subprocess.run(sys.argv[2:]).returncode
with open(f"{sys.argv[1]}/{os.getpid()}", "w") as out:
    print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=out)
sys.exit(status)
"""


def npy(path, kind, shape, blocks):
    """Writes an array, block by block."""
    header = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}"
    header = header.ljust((10 + len(header) + 64) // 64 * 64 - 11) + "\n"
    with open(path, "wb") as out:
        out.write(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode())
        for block in blocks:
            block.tofile(out)


def vectors(folder, n):
    npy(folder / "b.npy", "<f8", (n,), [array.array("d", (0.5 / n * (1 + i % 3) for i in range(n)))])
    npy(folder / "w.npy", "<f8", (n,), [array.array("d", (0.5 * (1 + i % 5) for i in range(n)))])


def manifest(folder, matrix):
    text = {"loss": "softmax", "matrix": matrix, "target": "b.npy", "weights": "w.npy"}
    (folder / "problem.json").write_text(json.dumps(text))


def dense(folder, n, d):
    draw = random.Random(1).random
    npy(folder / "A.npy", "<f8", (n, d), (array.array("d", (draw() - 0.5 for _ in range(d))) for _ in range(n)))
    vectors(folder, n)
    manifest(folder, "A.npy")


def sparse(folder, n, d, each):
    """`each` entries a row, at places that are spread evenly from a drawn one on."""
    stream = random.Random(1)
    step = d // each

    def columns():
        for _ in range(n):
            first = int(stream.random() * step)
            yield array.array("i", range(first, first + each * step, step))

    npy(folder / "indices.npy", "<i4", (n * each,), columns())
    npy(folder / "indptr.npy", "<i8", (n + 1,), [array.array("q", range(0, (n + 1) * each, each))])
    draw = random.Random(2).random
    npy(folder / "data.npy", "<f8", (n * each,), (array.array("d", (draw() - 0.5 for _ in range(each))) for _ in range(n)))
    vectors(folder, n)
    arrays = {name: f"{name}.npy" for name in ("indptr", "indices", "data")}
    manifest(folder, {**arrays, "shape": [n, d]})


def market(folder, n, d, each):
    """The same matrix as text."""
    other = folder.parent / "sparse"
    with open(other / "indices.npy", "rb") as indices, open(other / "data.npy", "rb") as data:
        for source in (indices, data):
            source.seek(10 + int.from_bytes(source.read(10)[8:], "little"))
        with open(folder / "A.mtx", "w") as out:
            out.write(f"%%MatrixMarket matrix coordinate real general\n{n} {d} {n * each}\n")
            for i in range(n):
                row, values = array.array("i"), array.array("d")
                row.fromfile(indices, each)
                values.fromfile(data, each)
                out.writelines(f"{i + 1} {j + 1} {value!r}\n" for j, value in zip(row, values))
    vectors(folder, n)
    manifest(folder, "A.mtx")


INSTANCES = {
    "dense": ("dense, 200,000 x 64, `.npy`", lambda folder: dense(folder, 200_000, 64)),
    "sparse": ("sparse, 1,000,000 x 200, 10 entries a row, arrays in `.npy`", lambda folder: sparse(folder, 1_000_000, 200, 10)),
    "market": ("the same as `.mtx`", lambda folder: market(folder, 1_000_000, 200, 10)),
}


def run(arguments, folder, ranks):
    """The peaks of all ranks in MiB, largest first, the seconds of the solve, and the answer's bytes."""
    environment = {**os.environ, "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    with tempfile.TemporaryDirectory() as scratch:
        answer, peaks = f"{scratch}/x.npy", pathlib.Path(scratch, "peaks")
        peaks.mkdir()
        command = [arguments.mpirun, "-n", str(ranks)]
        version = subprocess.run([arguments.mpirun, "--version"], capture_output=True, text=True).stdout
        if "open-mpi" in version:
            command += ["--oversubscribe"]
        command += [sys.executable, "-c", CHILD, str(peaks), str(PROGRAM), "--threads", "1"]
        command += ["solve", str(folder / "problem.json"), "--json", "--output", answer]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"{' '.join(command)}: status {done.returncode}\n{done.stderr}")
        found = sorted((int(peak.read_text()) / 1024 for peak in peaks.iterdir()), reverse=True)
        if len(found) != ranks:
            sys.exit(f"{len(found)} of {ranks} ranks have said what they used")
        return found, json.loads(done.stdout)["seconds"], pathlib.Path(answer).read_bytes()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mpirun", default="mpirun")
    parser.add_argument("--ranks", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--folder", type=pathlib.Path, default=pathlib.Path(tempfile.gettempdir()) / "attreg-ranks")
    parser.add_argument("--instances", nargs="+", choices=list(INSTANCES), default=list(INSTANCES))
    arguments = parser.parse_args()
    same = True
    print("| instance | ranks | MiB of a rank, most | least | seconds of the solve |\n|---|---|---|---|---|")
    for name in arguments.instances:
        title, write = INSTANCES[name]
        folder = arguments.folder / name
        if not (folder / "problem.json").exists():
            folder.mkdir(parents=True, exist_ok=True)
            write(folder)
        first = None
        for ranks in arguments.ranks:
            peaks, seconds, answer = run(arguments, folder, ranks)
            first = first or answer
            same &= answer == first
            print(f"| {title} | {ranks} | {peaks[0]:.0f} | {peaks[-1]:.0f} | {seconds:.1f} |", flush=True)
    if not same:
        print("the answers differ", file=sys.stderr)
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
