#!/usr/bin/env bash
# Judges a matrix in four jobs of a Slurm array, from a checkout with the command in
# bin/ and the toolchains of the targets installed:
#
#   mkdir -p reports && sbatch .ci/slurm.sh [TARGET.yaml... and flags of matrix]
#   bin/reactorspec merge reports/shard-*.json --json matrix.json --html matrix
#
# A job that was killed is run again by `scontrol requeue JOB_INDEX`, which keeps its
# place in the array; `sbatch --array=3` alone would be an array of one, whose only
# job judges everything.
#SBATCH --job-name=reactorspec --array=0-3 --cpus-per-task=2 --mem=4G --time=02:00:00
#SBATCH --output=reports/shard-%a.log
set -euo pipefail
# Exit 1 is a target that breaks a clause: the job did what it is for.
[ $# -gt 0 ] || set -- testdata/targets
bin/reactorspec matrix "$@" --shard auto --json "reports/shard-$SLURM_ARRAY_TASK_ID.json" || [ $? -eq 1 ]
