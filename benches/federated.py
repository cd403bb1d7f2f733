#!/usr/bin/env python3
"""Rounds of federated averaging beside NumPy, and how fast a chain of blocks is followed.

    python3 benches/federated.py [--attreg target/release/attreg] [--threads 1] [--rounds 200] [--blocks 100000] [--flwr]

16 clients of 2,000 x 20 rows and columns, 10 local steps, w = 1. A round of ours is the difference of two runs of `attreg chain` over the difference of
their rounds, so that reading the manifest cancels; it writes and hashes a block, too. A round of NumPy's is the mean of 20 in one process, BLAS on as many threads as
ours. `--flwr` runs the same NumPy clients in flwr's simulation and takes the median between aggregations: nearly all of it is what a
framework for real clients takes to reach them. The chain that is followed is of a small problem, by hashing only. Needs numpy, and
`flwr[simulation]` where it is asked for.
"""

import argparse
import json
import os
import pathlib
import subprocess
import tempfile
import time


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--attreg", default="target/release/attreg")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--blocks", type=int, default=100_000)
    parser.add_argument("--flwr", action="store_true", help="rounds in flwr's simulation, too")
    return parser.parse_args()


def timed(command):
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def in_flwr(clients, gradient, step, rounds):
    """Seconds of a round in flwr's simulation, the median."""
    import statistics

    import numpy as np
    from flwr.client import ClientApp, NumPyClient
    from flwr.common import ndarrays_to_parameters
    from flwr.server import ServerApp, ServerAppComponents, ServerConfig
    from flwr.server.strategy import FedAvg
    from flwr.simulation import run_simulation

    class Client(NumPyClient):
        def __init__(self, own):
            self.own = own

        def fit(self, parameters, config):
            y = parameters[0].copy()
            for _ in range(10):
                y -= step * gradient(self.own, y)
            return [y], 1, {}

    stamps = []

    class Timed(FedAvg):
        def aggregate_fit(self, *results):
            stamps.append(time.perf_counter())
            return super().aggregate_fit(*results)

    def server(context):
        start = ndarrays_to_parameters([np.zeros(20)])
        strategy = Timed(
            fraction_evaluate=0.0, min_fit_clients=16, min_available_clients=16, initial_parameters=start
        )
        return ServerAppComponents(strategy=strategy, config=ServerConfig(num_rounds=rounds))

    def client(context):
        return Client(clients[int(context.node_config["partition-id"])]).to_client()

    run_simulation(
        server_app=ServerApp(server_fn=server),
        client_app=ClientApp(client_fn=client),
        num_supernodes=16,
        backend_config={"client_resources": {"num_cpus": 1, "num_gpus": 0.0}},
    )
    return statistics.median(after - before for before, after in zip(stamps, stamps[1:]))


def main():
    args = arguments()
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(args.threads)
    import numpy as np

    rng = np.random.default_rng(991)
    clients = []
    for _ in range(16):
        target = rng.dirichlet(np.ones(2000))
        clients.append((rng.normal(size=(2000, 20)), target, np.ones(2000)))
    step = 2.0 / max(np.linalg.norm(a, 2) ** 2 * 2.4 for a, _, _ in clients)

    def gradient(client, x):
        a, b, w = client
        z = a @ x
        p = np.exp(z - z.max())
        p /= p.sum()
        c = p - b
        return a.T @ (p * (c - c @ p) + w * w * z)

    def one_round(x):
        ends = []
        for client in clients:
            y = x.copy()
            for _ in range(10):
                y -= step * gradient(client, y)
            ends.append(y)
        return np.mean(ends, axis=0)

    x = np.zeros(20)
    one_round(x)
    start = time.perf_counter()
    for _ in range(20):
        x = one_round(x)
    numpy = (time.perf_counter() - start) / 20

    with tempfile.TemporaryDirectory() as directory:
        folder = pathlib.Path(directory)
        listed = []
        for k, (a, b, w) in enumerate(clients):
            for name, array in (("A", a), ("b", b), ("w", w)):
                np.save(folder / f"{name}{k}.npy", array)
            listed.append({"matrix": f"A{k}.npy", "target": f"b{k}.npy", "weights": f"w{k}.npy"})
        problem = {"system": "federated-softmax", "local_steps": 10, "step": step, "clients": listed}
        (folder / "large.json").write_text(json.dumps(problem))
        base = [args.attreg, "--threads", str(args.threads), "chain"]

        def chain(file, rounds):
            journal = folder / f"chain-{file}-{rounds}.jsonl"
            return timed([*base, str(folder / file), "--journal", str(journal), "--rounds", str(rounds)]), journal

        few, _ = chain("large.json", 10)
        many, _ = chain("large.json", 10 + args.rounds)
        ours = (many - few) / args.rounds
        print(f"a round of 16 clients x (2,000 x 20), 10 local steps: {1e3 * ours:.2f} ms, NumPy {1e3 * numpy:.2f} ms, {numpy / ours:.1f} times as fast")

        small = {"system": "federated-softmax", "local_steps": 2, "step": 0.0625,
                 "clients": [{"matrix": [[1, 0.5], [0, 2]], "target": [0.5, 0.5], "weights": 1}] * 2}
        (folder / "small.json").write_text(json.dumps(small))
        _, journal = chain("small.json", args.blocks)
        seconds = min(timed([*base, "--check", "--journal", str(journal)]) for _ in range(3))
        print(f"{args.blocks} blocks followed in {seconds:.2f} s")
    if args.flwr:
        print(f"the same round in flwr's simulation: {1e3 * in_flwr(clients, gradient, step, 10):.0f} ms")


if __name__ == "__main__":
    main()
