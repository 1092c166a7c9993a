#!/bin/sh
# After erasing. What the agent wrote goes with it, dpkg's `purge` or rpm's last version; the instances' data stays, and
# the user whose it is.
set -e
case "$1" in
purge | 0)
    rm -rf /etc/paas-agent /etc/systemd/system/paas-agent.service.d /etc/systemd/system/paas-agent-upgrade.service.d
    rm -rf /var/lib/paas-agent-upgrade
    if [ -d /var/lib/paas-agent ]; then
        find /var/lib/paas-agent -mindepth 1 -maxdepth 1 ! -name instances -exec rm -rf {} +
        # Notes of the agent's own beside the instances' folders.
        find /var/lib/paas-agent/ -mindepth 3 -maxdepth 3 -type f -name '.*.check' -delete
        find /var/lib/paas-agent -depth -type d -empty -delete
    fi
    ;;
esac
if [ -d /run/systemd/system ]; then
    systemctl daemon-reload
fi
