#!/bin/sh
# Stops and removes RabbitMQ. Its data and log stay unless PURGE_DATA=true.
# shellcheck source=server.sh
. "${0%/*}/server.sh"

uninstall_package rabbitmq.config definitions.json enabled_plugins erl.args
