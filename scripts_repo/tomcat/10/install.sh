#!/bin/sh
# Installs Tomcat from PACKAGE_FILE, or renews its binaries; what data there is stays.
# shellcheck source=server.sh
. "${0%/*}/server.sh"

settings
install_package jre/bin/java -version
