#!/bin/sh
# The worker, with a slot for each core of the machine.
set -eu
keys=/run/skyscan
if [ -e "$keys/scanner.pub" ]; then export SKYSCAN_KEYS="$keys"; fi
if [ -e "$keys/amqp-password" ]; then export SKYSCAN_AMQP_PASSWORD_FILE="$keys/amqp-password"; fi
# In the place of the shell, so that signals reach the worker.
exec /usr/local/bin/skyscan @ARGUMENTS@
