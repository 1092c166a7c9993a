#!/bin/sh
# Says in one line of JSON whether this very nginx works.
# shellcheck source=server.sh
. "${0%/*}/server.sh"

check_server
