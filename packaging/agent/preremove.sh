#!/bin/sh
# Before erasing; dpkg says `remove`, rpm that no version is left. Over another version nothing is to be done.
set -e
case "$1" in
remove | 0)
    if [ -d /run/systemd/system ]; then
        systemctl --quiet disable --now paas-agent-upgrade.path paas-agent
    elif command -v systemctl >/dev/null; then
        systemctl --quiet disable paas-agent-upgrade.path paas-agent
    fi
    ;;
esac
