#!/bin/sh
# Starts MySQL with the metadata as it is now, and comes back once MySQL holds its port.
# shellcheck source=server.sh
. "${0%/*}/server.sh"

start_server
