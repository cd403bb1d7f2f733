#!/bin/sh
#SBATCH --job-name=attreg --array=1-16 --requeue --ntasks=1 --cpus-per-task=4
# sbatch slurm.sh [CLAIM...]: a shard a task. A task that is requeued, after a node died or was taken away, goes on with its journal.
THREADS=$SLURM_CPUS_PER_TASK exec sh "$SLURM_SUBMIT_DIR/shard.sh" "$SLURM_ARRAY_TASK_ID" "$SLURM_ARRAY_TASK_COUNT" "$@"
