#!/bin/sh
# Starts redis with the metadata as it is now, and comes back once redis holds its port.
# shellcheck source=server.sh
. "${0%/*}/server.sh"

start_server
