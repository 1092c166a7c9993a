#!/bin/sh
# Starts PostgreSQL with the metadata as it is now, and comes back once PostgreSQL holds its port.
# shellcheck source=server.sh
. "${0%/*}/server.sh"

start_server
