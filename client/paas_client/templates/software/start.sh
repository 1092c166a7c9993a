#!/bin/sh
# Starts @software@ with the metadata as it is now, and comes back once it holds its port.
# shellcheck source=server.sh
. "${0%/*}/server.sh"

start_server
