#!/bin/sh
# Builds nginx from the source in PACKAGE_FILE and installs it, or renews its binaries; what data there is stays.
# shellcheck source=server.sh
. "${0%/*}/server.sh"

settings
build
install_package bin/nginx -v
rm -rf build
