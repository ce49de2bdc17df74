#!/usr/bin/env bash
# RabbitMQ and Compose of a newer Debian than this one, beside what is installed:
#
#     transports/rabbitmq-node/newer.sh RELEASE FOLDER
#
# makes FOLDER/root by debootstrap, and in it what RELEASE (such as trixie) has; FOLDER/sbin, whose scripts run that RabbitMQ
# as if it were here: a node of the tests is one of it with SKYSCAN_RABBITMQ_SBIN=FOLDER/sbin; and FOLDER/docker, where
# `docker compose` is that of the release with DOCKER_CONFIG=FOLDER/docker. What is there already is not made again. Needs
# Debian or a relative, and root.
set -euo pipefail
release=$1
mkdir -p "$2"
folder=$(cd "$2" && pwd)
root=$folder/root
mirror=${SKYSCAN_DEBIAN_MIRROR:-http://deb.debian.org/debian}
PATH=$PATH:/usr/sbin:/sbin

if [[ ! -e $folder/made ]]; then
    if ! command -v debootstrap >/dev/null; then
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq -o DPkg::Lock::Timeout=300 --no-install-recommends debootstrap
    fi
    rm -rf "$root"
    # Releases differ in what is in them, not in how they are made: an older debootstrap may not know this one's name.
    debootstrap --variant=minbase "$release" "$root" "$mirror" /usr/share/debootstrap/scripts/sid
    # What is installed starts nothing.
    printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
    chmod +x "$root/usr/sbin/policy-rc.d"
    chroot "$root" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends rabbitmq-server docker-compose
    # Nodes look their own machine up; not every release brings the file.
    printf '127.0.0.1 localhost\n' >"$root/etc/hosts"
    chroot "$root" apt-get clean
    touch "$folder/made"
fi

# The folders of nodes, and the files they are told of, are seen from inside as well. Mounts end with what runs there.
mkdir -p "$folder/sbin" "$folder/docker/cli-plugins"
for script in rabbitmq-server rabbitmqctl; do
    cat >"$folder/sbin/$script" <<SCRIPT
#!/bin/sh
exec unshare --mount --propagation private sh -c '
    root=\$1 shared=\${TMPDIR:-/tmp}
    shift
    mkdir -p "\$root\$shared" && mount --rbind "\$shared" "\$root\$shared" && mount --rbind /dev "\$root/dev" &&
        mount -t proc proc "\$root/proc" && exec chroot "\$root" "\$@"
' sh "$root" /usr/lib/rabbitmq/bin/$script "\$@"
SCRIPT
    chmod +x "$folder/sbin/$script"
done
ln -sf "$root/usr/libexec/docker/cli-plugins/docker-compose" "$folder/docker/cli-plugins/docker-compose"
