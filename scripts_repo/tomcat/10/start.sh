#!/bin/sh
# Starts Tomcat with the metadata as it is now, and comes back once its applications have started.
# shellcheck source=server.sh
. "${0%/*}/server.sh"

start_server
