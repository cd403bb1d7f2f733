"""Shards on HyperQueue: hyperqueue_shards.py K [CLAIM...]. A local cluster stands for one that runs elsewhere."""

import pathlib
import sys

from hyperqueue import Job, LocalCluster
from hyperqueue.cluster import WorkerConfig

here = pathlib.Path(__file__).parent
count, claims = int(sys.argv[1]), sys.argv[2:]

with LocalCluster(worker_config=WorkerConfig()) as cluster:
    client = cluster.client()
    job = Job()
    for index in range(1, count + 1):
        job.program(["sh", str(here / "shard.sh"), str(index), str(count), *claims])
    client.wait_for_jobs([client.submit(job)])
