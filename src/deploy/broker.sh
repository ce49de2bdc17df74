#!/bin/sh
# What skyscan needs of a RabbitMQ. Run it where rabbitmqctl is, by whoever may use that; it may be run again.
# Passwords are asked for, or read from standard input, a line each.
set -eu

vhost=@VHOST@
scanner=@SCANNER@
worker=@WORKER@

user() {
    rabbitmqctl -q list_users | cut -f 1 | grep -qxF -e "$1" && return
    echo "A new user, $1: the password?" >&2
    rabbitmqctl -q add_user "$1"
}

rabbitmqctl -q list_vhosts | grep -qxF -e "$vhost" || rabbitmqctl -q add_vhost "$vhost"

# Scanners may do what they like with names that are skyscan's, and with no others.
user "$scanner"
rabbitmqctl -q set_permissions -p "$vhost" "$scanner" @SCANNERS@

# Workers read their own queues only. They write to any, since the default exchange leads to all of them.
user "$worker"
rabbitmqctl -q set_permissions -p "$vhost" "$worker" @WORKERS@

# A queue obeys one policy, that of the highest priority. Where others limit the queues of this virtual host
# (max-length, overflow: reject-publish, message-ttl), this one keeps them away from skyscan's, which set
# their limits themselves:
#
# rabbitmqctl set_policy -p "$vhost" --apply-to queues --priority 100 skyscan @NAMES@ '{"overflow": "drop-head"}'
