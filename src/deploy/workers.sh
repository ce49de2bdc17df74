#!/bin/sh
# @N@ workers of skyscan: submit this file with sbatch, see them with squeue, take them away with
# scancel.
#SBATCH --job-name=@NAME@
#SBATCH --array=1-@N@
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=@SLOTS@
#SBATCH --mem=@MEMORY@M
#SBATCH --time=@HOURS@:00:00
#SBATCH --output=@NAME@-%A_%a.log
#SBATCH --open-mode=append
# Back into the queue when a job is preempted or its node fails.
#SBATCH --requeue
# Before its time is over a worker is asked to leave, and gives back what it holds.
#SBATCH --signal=B:TERM@@GRACE@
@PARTITION@
@SECRETS@
# In the place of the shell, so that signals reach the worker.
exec @COMMAND@
