#!/bin/sh
# Stops and removes Tomcat. Its data and log stay unless PURGE_DATA=true.
# shellcheck source=server.sh
. "${0%/*}/server.sh"

uninstall_package server.xml logging.properties check tmp
