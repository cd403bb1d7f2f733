"""Writes the seeds that are not copies of fixtures. Standard library only: python3 make.py"""

import struct
import zlib
from pathlib import Path

HERE = Path(__file__).parent


def write(target, name, data):
    directory = HERE / target
    directory.mkdir(exist_ok=True)
    (directory / name).write_bytes(data if isinstance(data, bytes) else data.encode())


def npy(descr, shape, body, fortran=False, version=1):
    header = "{'descr': %r, 'fortran_order': %r, 'shape': %s, }" % (descr, fortran, shape)
    header = header.ljust(117 if version == 1 else 115) + "\n"
    size = struct.pack("<H" if version == 1 else "<I", len(header))
    return b"\x93NUMPY" + bytes([version, 0]) + size + header.encode() + body


def floats(*values, order="<"):
    return struct.pack(f"{order}{len(values)}d", *values)


def npy_seeds():
    six = (1.0, -2.5, 0.0, 1e300, 5e-324, -0.0)
    write("npy", "vector.npy", npy("<f8", "(6,)", floats(*six)))
    write("npy", "vector-big-endian.npy", npy(">f8", "(6,)", floats(*six, order=">")))
    write("npy", "vector-version-2.npy", npy("<f8", "(6,)", floats(*six), version=2))
    write("npy", "vector-nan.npy", npy("<f8", "(2,)", floats(1.0, float("nan"))))
    write("npy", "matrix-c.npy", npy("<f8", "(2, 3)", floats(*six)))
    write("npy", "matrix-fortran.npy", npy("<f8", "(2, 3)", floats(*six), fortran=True))
    write("npy", "matrix-big-endian.npy", npy(">f8", "(3, 2)", floats(*six, order=">"), fortran=True))
    write("npy", "matrix-empty.npy", npy("<f8", "(0, 1152921504606846)", b""))
    write("npy", "shape-huge.npy", npy("<f8", "(1000000, 1000000)", floats(*six)))
    write("npy", "shape-overflows.npy", npy("<f8", "(4294967296, 4294967296)", floats(*six)))
    write("npy", "float32.npy", npy("<f4", "(2,)", struct.pack("<2f", 1, 2)))
    write("npy", "int32.npy", npy("<i4", "(3,)", struct.pack("<3i", 0, 2, 5)))
    write("npy", "int64-negative.npy", npy("<i8", "(2,)", struct.pack("<2q", 0, -1)))
    write("npy", "uint64.npy", npy("<u8", "(2,)", struct.pack("<2Q", 7, 2**64 - 1)))
    write("npy", "uint32-big-endian.npy", npy(">u4", "(2,)", struct.pack(">2I", 7, 2**32 - 1)))
    write("npy", "scalar.npy", npy("<f8", "()", floats(1.0)))
    write("npy", "half-row.npy", npy("<f2", "(1, 3)", bytes([0, 0x3C, 1, 0, 0, 0xC4])))
    write("npy", "bool-column.npy", npy("|b1", "(3, 1)", bytes([1, 0, 2])))
    write("npy", "int64-beyond.npy", npy("<i8", "(2,)", struct.pack("<2q", 2**53, 2**53 + 1)))
    write("npy", "record.npy", npy("<f8", "(1,)", floats(1.0)).replace(b"'<f8'", b"[('x','<f8')]"))


def mtx_seeds():
    banner = "%%MatrixMarket matrix"
    seeds = {
        "coordinate": f"{banner} coordinate real general\n% a comment\n3 2 4\n1 1 1.5\n3 2 -2e-3\n2 1 4\n3 2 1\n",
        "coordinate-symmetric": f"{banner} coordinate real symmetric\n3 3 3\n1 1 1\n2 1 0.5\n3 3 7\n",
        "coordinate-skew": f"{banner} coordinate integer skew-symmetric\n3 3 2\n2 1 5\n3 2 -6\n",
        "coordinate-pattern": f"{banner} coordinate pattern general\n2 2 2\n1 2\n2 1\n",
        "coordinate-twice": f"{banner} coordinate real general\n2 2 3\n2 2 1e308\n1 1 1\n2 2 1e308\n",
        "announces-too-much": f"{banner} coordinate real general\n1000000 1000000 1000000000000\n1 1 1\n",
        "array": f"{banner} array real general\n2 3\n1\n2\n3\n4\n5\n6\n",
        "array-symmetric": f"{banner} array real symmetric\n2 2\n1\n2\n3\n",
        "array-skew": f"{banner} array integer skew-symmetric\n3 3\n1\n2\n3\n",
        "array-announces-too-much": f"{banner} array real general\n65536 65536\n1\n",
        "blank-lines": f"{banner.upper()} COORDINATE REAL GENERAL\r\n\r\n 1\t1 1 \r\n\n1 1 -0.0\r\n\n",
        "unsigned": f"{banner} coordinate unsigned-integer general\n2 2 2\n1 2 7\n2 1 18446744073709551615\n",
        "cr-only": f"\ufeff{banner} coordinate real general\r% a comment\r2 2 2\r1 2 7\r\r2 1 -1\r",
        "not-finite": f"{banner} array real general\n2 1\nnan\n1e999\n",
        "side-too-long": f"{banner} coordinate real general\n134217729 1 0\n",
    }
    for name, text in seeds.items():
        write("matrix_market", f"{name}.mtx", text)


def pieces(*parts):
    return b"".join(struct.pack("<H", len(part)) + part for part in parts)


def npz_seeds():
    # Mode 0: an archive. The fixtures are SciPy's.
    for path in sorted((HERE / "../../../fixtures/sparse").glob("*.npz")):
        write("npz", f"archive-{path.stem}", b"\x00" + path.read_bytes())
    # One entry whose directory lies about its size: 2^40 bytes from a few.
    name, body = b"format.npy", zlib.compress(bytes(4096), 9)[2:-4]
    local = struct.pack("<4s5H3L2H", b"PK\3\4", 20, 0, 8, 0, 0, 0, len(body), 0xFFFFFFF0, len(name), 0)
    central = struct.pack("<4s6H3L5H2L", b"PK\1\2", 20, 20, 0, 8, 0, 0, 0, len(body), 0xFFFFFFF0, len(name), 0, 0, 0, 0, 0, 0)
    data = local + name + body
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, len(central) + len(name), len(data), 0)
    write("npz", "archive-bomb", b"\x00" + data + central + name + end)
    # Mode 1 and 5: five files, stored and compressed.
    good = pieces(
        npy("|S3", "()", b"csr"),
        npy("<i8", "(2,)", struct.pack("<2q", 2, 3)),
        npy("<i4", "(3,)", struct.pack("<3i", 0, 2, 3)),
        npy("<i4", "(3,)", struct.pack("<3i", 2, 0, 1)),
        npy("<f8", "(3,)", floats(1.0, -2.5, 4.0)),
    )
    write("npz", "files-stored", b"\x01" + good)
    write("npz", "files-compressed", b"\x05" + good)
    write("npz", "files-zeros", b"\x05" + pieces(npy("|S3", "()", b"csr"), npy("<i8", "(4000,)", bytes(32000))))
    # Mode 2 and up: rows, columns, number of starts, starts, number of entries, columns, values.
    write("npz", "arrays", bytes([2, 2, 3, 3, 0, 2, 3, 3, 2, 0, 1, 0, 1, 7]))
    write("npz", "arrays-narrow", bytes([2 + 8 + 4, 3, 4, 4, 0, 2, 2, 5, 5, 0, 3, 1, 2, 3, 0, 1, 2, 0, 1]))
    write("npz", "arrays-twice", bytes([2, 1, 2, 2, 0, 3, 3, 1, 1, 1, 4, 4, 5]))
    write("npz", "arrays-negative", bytes([2, 2, 3, 3, 0, 255, 3, 3, 2, 0, 1, 0, 1, 7]))
    write("npz", "arrays-past-the-end", bytes([2, 2, 3, 3, 0, 2, 254, 3, 2, 0, 254, 0, 1, 7]))
    write("npz", "arrays-lengths-differ", bytes([194, 2, 3, 3, 0, 2, 3, 3, 2, 0, 1, 0, 1, 7, 0]))


def manifest_seeds():
    for name in ["tiny", "gap-900", "one-by-one", "signed-target", "ill-conditioned"]:
        write("manifest", f"{name}.json", (HERE / f"../../../fixtures/instances/{name}.json").read_bytes())
    base = '"matrix": [[1, 0.5], [-2, 3], [0, 1]], "target": [0.25, 0.5, 0.25], "weights": 10'
    sparse = '"matrix": {"indptr": [0, 2, 4, 5], "indices": [0, 1, 0, 1, 1], "data": [1, 0.5, -2, 3, 1], "shape": [3, 2]}, "target": [0.25, 0.5, 0.25], "weights": [1, 2, 3]'
    layer = '"matrix": [[1, 0.5], [-2, 3], [0, 1]], "target": [0.25, 0.5], "weights": 10, "second_layer": [[1, 2, 3], [4, 5, 6]]'
    seeds = {
        "plain": '{"loss": "softmax", %s, "start": [0.5, -1], "points": [[1, 2]]}' % base,
        "entrywise": '{"loss": "cosh", %s}' % base,
        "residual": '{"loss": "residual-softmax", %s, "start": null}' % base,
        "sparse": '{"loss": "sinh", %s}' % sparse,
        "two-layer": '{"loss": "two-layer", %s, "activation": "relu"}' % layer,
        "two-layer-file": '{"loss": "two-layer", %s, "activation": "tanh"}' % layer.replace("[[1, 2, 3], [4, 5, 6]]", '"D.mtx"'),
        "two-layer-wide-file": '{"loss": "two-layer", %s, "activation": "tanh"}' % layer.replace("[[1, 2, 3], [4, 5, 6]]", '"W.mtx"'),
        "files": '{"loss": "exp", "matrix": "A.mtx", "target": "b.json", "weights": "b.json", "start": "x.json"}',
        "missing-file": '{"loss": "exp", "matrix": "no.npz", "target": "no.npy", "weights": "no.npy"}',
        "list": '["softmax", [[1]], [1], 1, null, null, [0]]',
        "extremes": '{"loss": "softmax", "matrix": [[1e308, 5e-324, -0.0]], "target": [1e400], "weights": -0}',
        "not-finite": '{"loss": "softmax", "matrix": [[NaN, -Infinity]], "target": [1], "weights": 1}',
        "nested": '{"loss": "softmax", "matrix": ' + "[" * 200 + "]" * 200 + "}",
    }
    for name, text in seeds.items():
        write("manifest", f"{name}.json", text)


def check_seeds():
    seeds = {
        "all": '{"x": [0.5], "loss": 0.31, "gradient": [0.4], "hessian": [[1.2]], "minimiser": [0.1]}',
        "strings": '{"loss": "0.3125000000000000000000000000000000001", "gradient": ["-1e-400"]}',
        "not-finite": '{"loss": NaN, "gradient": [-Infinity]}',
        "null": '{"loss": null}',
        "list": '[[0.5], 0.31, [0.4]]',
        "file": '{"gradient": "g.npy"}',
        "huge": '{"x": [1e308], "loss": 1e308, "gradient": [1e308], "hessian": [[-1e308]]}',
        "shape": '{"gradient": [1, 2], "hessian": [[1], [2]]}',
        "nothing": "{}",
    }
    for name, text in seeds.items():
        write("check", f"{name}.json", text)


def solve_attention_seeds():
    # Tokens - 1, columns - 1 of A1, A2, A3 and B, flags; then numbers (see harness/solve_attention.rs).
    numbers = bytes((37 * k * k + 11 * k) % 192 + 32 for k in range(90))
    for name, head in [
        ("plain", [2, 0, 0, 0, 0, 0]),
        ("wide", [4, 1, 1, 1, 1, 0]),
        ("column-of-ones", [4, 1, 1, 0, 1, 1]),
        ("weights-and-ridge", [3, 1, 0, 1, 0, 6]),
        ("own-start", [3, 0, 1, 0, 1, 8]),
        ("one-token", [0, 2, 2, 2, 2, 0]),
    ]:
        write("solve_attention", name, bytes(head) + numbers)
    write("solve_attention", "extremes", bytes([3, 1, 1, 1, 1, 14]) + bytes(range(32)) * 3)
    write("solve_attention", "zeros", bytes(8))


def solve_seeds():
    # Loss, rows - 1, columns - 1, flags; method, choice, iterations; then numbers (see harness/solve/build.rs).
    numbers = bytes([48, 200, 64, 240, 32, 90, 16 + 32, 215, 100, 56, 190, 44] * 8)
    for kind, name in enumerate(["softmax", "exp", "cosh", "sinh", "residual", "relu", "softplus", "tanh", "identity"]):
        write("solve", name, bytes([kind, 5, 2, 64, 0, 0, 40]) + numbers)
    for method, name in enumerate(["auto", "exact", "reused-gram", "subsampled"]):
        write("solve", f"softmax-tall-{name}", bytes([0, 7, 0xF0, 0, method, 0, 30]) + numbers)
        write("solve", f"sparse-{name}", bytes([method, 7, 3, 16 + 4 + 32, method, 0, 30]) + numbers)
    write("solve", "repeated-column-zero-row", bytes([0, 6, 3, 3, 0, 0, 30]) + numbers)
    write("solve", "wide", bytes([1, 1, 4, 0, 2, 1, 30]) + numbers)
    write("solve", "stopped", bytes([0, 6, 3, 8 + 4, 0, 2, 30]) + numbers)
    write("solve", "extremes", bytes([0, 4, 2, 4, 0, 0, 50]) + bytes(range(32)) * 2)
    write("solve", "zeros", bytes(8))


def evaluate_seeds():
    # Flags, degree, queries - 1, keys - 1, width - 1, columns - 1, scale; then numbers (see harness/evaluate.rs).
    numbers = bytes([48, 200, 64, 240, 32, 90, 215, 100, 56, 190, 44] * 12)
    for name, flags in [("exact", 8), ("causal", 9), ("many-keys", 12), ("causal-many-keys", 13)]:
        write("evaluate", name, bytes([flags, 0, 3, 5, 2, 1, 2]) + numbers)
    for degree in range(8):
        write("evaluate", f"power-{degree}", bytes([8 + 2, degree, 3, 5, 2, 1, 2]) + numbers)
    write("evaluate", "power-many-keys", bytes([8 + 4 + 2, 3, 4, 7, 1, 0, 2]) + numbers)
    write("evaluate", "extremes", bytes([8, 0, 3, 3, 1, 1, 4]) + bytes(range(32)))
    write("evaluate", "power-extremes", bytes([8 + 2, 2, 3, 3, 1, 1, 4]) + bytes(range(31, 0, -1)))
    # Queries 1, 0, -1 against keys 1 and -1: the odd powers of each row cancel, or are 0.
    write("evaluate", "cancelling-powers", bytes([8 + 2, 3, 2, 1, 0, 0, 2, 2, 0, 3, 2, 3, 2, 4]))
    # The first query is divided into infinity.
    write("evaluate", "query-beyond", bytes([8, 0, 1, 1, 0, 0, 10, 30, 2, 2, 3, 2, 4]))
    write("evaluate", "zeros", bytes(8))


def regress_seeds():
    # Flags, kind, power, method, rows - 1, columns - 1, ridge; then numbers (see harness/regress.rs).
    numbers = bytes([48, 200, 64, 240, 40, 90, 215, 100, 56, 190, 44] * 8)
    for kind, name in enumerate(["even", "odd", "kernel"]):
        write("regress", name, bytes([4, kind, 2, 0, 4, 1, 36]) + numbers)
        write("regress", f"{name}-plain", bytes([1, kind, 3, 0, 4, 2, 36]) + numbers)
        write("regress", f"{name}-wide", bytes([4, kind, 1, 0, 1, 3, 0]) + numbers)
        write("regress", f"{name}-extremes", bytes([4, kind, 1, 0, 3, 1, 5]) + bytes(range(32)))
        write("regress", f"{name}-repeated", bytes([6, kind, 4, 0, 5, 1, 0]) + numbers)
    write("regress", "kernel-gradients", bytes([4, 2, 1, 3, 5, 1, 5]) + numbers)
    write("regress", "kernel-long-rows", bytes([4, 2, 1, 2, 2, 0, 0, 17, 18, 19, 40, 41, 42]))
    write("regress", "power-40", bytes([0, 0, 5, 1, 4, 1, 0]) + numbers)
    write("regress", "zeros", bytes(8))


def linear_seeds():
    # Flags, method, accuracy, rows - 1, columns - 1, right sides - 1 (without flag 8), ridge; then numbers (see harness/linear.rs).
    numbers = bytes([48, 200, 64, 240, 40, 90, 215, 100, 56, 190, 44] * 8)
    for method, name in enumerate(["auto", "factor", "gradients", "sample"]):
        write("linear", name, bytes([4, method, 1, 9, 2, 1, 0]) + numbers)
        write("linear", f"{name}-ridge", bytes([12, method, 0, 7, 3, 36]) + numbers)
        write("linear", f"{name}-dependent", bytes([6, method, 2, 5, 2, 0, 0]) + numbers)
        write("linear", f"{name}-extremes", bytes([13 - 4 * (method % 2), method, 3, 3, 1, 30]) + bytes(range(32)))
    write("linear", "wide", bytes([12, 0, 0, 1, 3, 40]) + numbers)
    write("linear", "tiny-ridge", bytes([14, 0, 0, 6, 1, 13]) + numbers)
    write("linear", "zeros", bytes(8))


def federated_seeds():
    # Flags, method, step, clients - 1, columns - 1, steps - 1, participants, stragglers, trimmed, rows - 1 of each client, weight; then
    # numbers (see harness/federated.rs).
    numbers = bytes([48, 200, 64, 240, 40, 90, 215, 100, 56, 190, 44] * 8)
    for method, name in enumerate(["auto", "newton", "fedavg", "corrected", "median", "trimmed"]):
        write("federated", name, bytes([4, method, 0, 2, 1, 2, 3, 0, 1, 1, 2, 0, 64]) + numbers)
        write("federated", f"{name}-partial", bytes([5, method, 1, 3, 0, 1, 2, 1, 0, 1, 2, 0, 1, 64]) + numbers)
        write("federated", f"{name}-alike", bytes([6, method, 1, 1, 1, 3, 2, 0, 0, 2, 2, 48]) + numbers)
        write("federated", f"{name}-extremes", bytes([4, method, 5, 1, 1, 1, 2, 0, 0, 2, 2, 30]) + bytes(range(32)) * 2)
    write("federated", "too-long", bytes([4, 2, 4, 1, 1, 3, 2, 0, 0, 1, 1, 64]) + numbers)
    write("federated", "one-row", bytes([4, 2, 0, 0, 2, 1, 1, 0, 0, 0, 64]) + numbers)
    write("federated", "zeros", bytes(8))


def labels_seeds():
    # Flags, method, points - 1, functions - 1, budget - 1; then measure and numbers (see harness/labels.rs).
    numbers = bytes([48, 200, 64, 240, 40, 90, 215, 100, 56, 190, 44] * 8)
    for method, name in enumerate(["auto", "greedy", "draws", "barriers"]):
        write("labels", name, bytes([4, method, 11, 2, 5]) + numbers)
        write("labels", f"{name}-measure", bytes([8, method, 9, 1, 6]) + numbers)
        write("labels", f"{name}-dependent", bytes([2, method, 8, 3, 4]) + numbers)
        write("labels", f"{name}-whole", bytes([4, method, 5, 1, 11]) + numbers)
        write("labels", f"{name}-extremes", bytes([8 * (method % 2), method, 7, 1, 3]) + bytes(range(32)))
    write("labels", "zeros", bytes(8))


npy_seeds()
mtx_seeds()
npz_seeds()
manifest_seeds()
check_seeds()
solve_seeds()
evaluate_seeds()
solve_attention_seeds()
regress_seeds()
linear_seeds()
federated_seeds()
labels_seeds()
