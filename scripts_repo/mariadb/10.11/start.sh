#!/bin/sh
# Starts MariaDB with the metadata as it is now, and comes back once MariaDB holds its port.
# shellcheck source=server.sh
. "${0%/*}/server.sh"

start_server
