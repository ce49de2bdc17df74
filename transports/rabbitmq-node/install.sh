#!/bin/sh
# Installs rabbitmq-server from the distribution's packages unless it is there already. The tests
# start nodes of their own, so the system's service is not started.
set -eu

for folder in "${SKYSCAN_RABBITMQ_SBIN:-/usr/lib/rabbitmq/bin}" /usr/lib/rabbitmq/bin /opt/rabbitmq/sbin; do
    if [ -e "$folder/rabbitmq-server" ]; then
        exit 0
    fi
done

as_root=
if [ "$(id -u)" != 0 ]; then
    as_root=sudo
fi
$as_root apt-get update
$as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
    apt-get install -y --no-install-recommends rabbitmq-server
if command -v systemctl >/dev/null; then
    $as_root systemctl disable --now rabbitmq-server >/dev/null 2>&1 || true
fi
