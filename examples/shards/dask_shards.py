"""Shards on Dask: dask_shards.py K [CLAIM...]. Client() makes a local cluster; give it a scheduler's address for another one."""

import pathlib
import subprocess
import sys

from dask.distributed import Client

HERE = pathlib.Path(__file__).parent


def shard(index, count, claims):
    """Runs one shard. Dask runs it again, elsewhere, where its worker died."""
    subprocess.run(["sh", str(HERE / "shard.sh"), str(index), str(count), *claims], check=True)


if __name__ == "__main__":
    count, claims = int(sys.argv[1]), sys.argv[2:]
    with Client() as client:
        # Not pure: a result of the same arguments is not an old one.
        parts = [client.submit(shard, k, count, claims, pure=False) for k in range(1, count + 1)]
        client.gather(parts)
