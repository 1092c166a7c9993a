#!/bin/sh
# Stops and removes nginx. Its data and log stay unless PURGE_DATA=true.
# shellcheck source=server.sh
. "${0%/*}/server.sh"

uninstall_package nginx.conf check tmp
