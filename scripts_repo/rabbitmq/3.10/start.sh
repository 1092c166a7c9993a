#!/bin/sh
# Starts RabbitMQ with the metadata as it is now, and comes back once its listeners are open.
# shellcheck source=server.sh
. "${0%/*}/server.sh"

start_server
