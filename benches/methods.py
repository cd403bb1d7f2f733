"""Is `auto` ever much slower than the best of the other methods?

    python3 benches/methods.py --data DATA [--threads 2] [--runs 5]

Runs every instance of DATA (folders made by benches/generate.py, each with an instance.json) by every method, and prints the
medians, the ratio of `auto` to the fastest method that reached the tolerance, and what ended otherwise. Python's standard
library only.
"""
import argparse
import json
import pathlib
import subprocess

from built import built

METHODS = ["auto", "reused-gram", "exact", "subsampled"]


def solve(program, manifest, method, threads, runs, limit):
    """The line that the timing program prints, or why there is none."""
    command = [program, manifest, "--method", method, "--threads", str(threads), "--runs", str(runs)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit)
    except subprocess.TimeoutExpired:
        return {"status": f"more than {limit} s"}
    if done.returncode != 0:
        return {"status": done.stderr.strip().splitlines()[-1][:60]}
    return json.loads(done.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, type=pathlib.Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--limit", type=float, default=120, help="seconds for one method on one instance")
    parser.add_argument("--ours", default=None, help="our timing program instead of the one that cargo builds")
    arguments = parser.parse_args()
    arguments.ours = arguments.ours or built("solve_timing")
    print("| instance | " + " | ".join(METHODS) + " | auto / best |")
    print("|---" * (len(METHODS) + 2) + "|")
    for folder in sorted(arguments.data.iterdir()):
        manifest = folder / "instance.json"
        if not manifest.is_file():
            continue
        cells, seconds = [], {}
        for method in METHODS:
            found = solve(arguments.ours, manifest, method, arguments.threads, arguments.runs, arguments.limit)
            if str(found.get("status", "")).startswith("converged"):
                seconds[method] = found["median_s"]
                cells.append(f"{1e3 * found['median_s']:.3g} ms ({found['iterations']})")
            else:
                cells.append(str(found.get("status")))
        best = min((value for method, value in seconds.items() if method != "auto"), default=None)
        ratio = f"{seconds['auto'] / best:.2f}" if best and "auto" in seconds else "-"
        print(f"| {folder.name} | " + " | ".join(cells) + f" | {ratio} |", flush=True)


if __name__ == "__main__":
    main()
