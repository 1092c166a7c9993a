#!/bin/sh
# Starts nginx with the metadata as it is now, and comes back once nginx holds its port.
# shellcheck source=server.sh
. "${0%/*}/server.sh"

start_server
