"""What the scripts that hold solvers against their peers share. Imported before numpy, whose threads it sets to one."""
import json
import os
import subprocess
import time

os.environ.update({name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")})


def timed(work):
    """The seconds that it takes, and its result."""
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def ours(program, manifest, *options):
    """The seconds of a solve by one thread, without those of reading files, and its report; the end, with its line, where it is refused."""
    command = [program, "solve", str(manifest), "--threads", "1", "--json", *options]
    run = subprocess.run(command, capture_output=True, text=True)
    if not run.stdout:
        raise SystemExit(run.stderr)
    report = json.loads(run.stdout)
    return report["seconds"], report
