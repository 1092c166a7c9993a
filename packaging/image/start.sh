#!/bin/sh
# What the container runs. Agents reach it at OPERATOR_IP (behind a node port: the node's own address), port
# OPERATOR_PORT, 3334 unless that is given. Other settings are PAAS_CONTROLLER_… or arguments.
set -eu
if [ -z "${OPERATOR_IP:-}" ]; then
    echo "paas-controller: set OPERATOR_IP to the address at which hosts reach this container" >&2
    exit 2
fi
exec paas-controller --listen 0.0.0.0:3334 --advertise "$OPERATOR_IP:${OPERATOR_PORT:-3334}" --repo-dir /srv/paas-repo "$@"
