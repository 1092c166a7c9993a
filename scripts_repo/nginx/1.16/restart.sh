#!/bin/sh
# Stops nginx if it runs, and starts it with the metadata as it is now.
# shellcheck source=server.sh
. "${0%/*}/server.sh"

restart_server
