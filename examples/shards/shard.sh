#!/bin/sh
# shard.sh I K [CLAIM...]: runs shard I of K of a campaign, or goes on with it where an earlier run was killed.
# ATTREG names the program, JOURNALS the directory that all machines see, THREADS the threads of one shard.
set -eu
part=$1/$2
journal=${JOURNALS:-journals}/$1-of-$2
shift 2
mkdir -p "${JOURNALS:-journals}"
if [ -s "$journal" ]; then
    set -- "$@" --resume
fi
exec "${ATTREG:-attreg}" --threads "${THREADS:-1}" verify "$@" --shard "$part" --journal "$journal"
