#!/bin/sh
# Stops nginx, and comes back once it has ended.
# shellcheck source=server.sh
. "${0%/*}/server.sh"

stop_server
echo "$software is stopped"
