#!/bin/sh
# After installing, first time or over another version. dpkg says `configure` and the former version, rpm how many
# versions there are now.
set -e
running() {
    [ -d /run/systemd/system ]
}

if command -v systemd-sysusers >/dev/null; then
    systemd-sysusers /usr/lib/sysusers.d/paas-agent.conf
elif ! getent passwd paas-agent >/dev/null; then
    useradd --system --no-create-home --home-dir /var/lib/paas-agent --shell /usr/sbin/nologin paas-agent
fi
[ -e /var/lib/paas-agent ] || install -d -m 0700 -o paas-agent -g paas-agent /var/lib/paas-agent
case "$1 $2" in
"1 " | "configure ")
    ! command -v systemctl >/dev/null || systemctl --quiet enable paas-agent paas-agent-upgrade.path
    ! running || systemctl start paas-agent-upgrade.path
    ;;
esac
if running; then
    systemctl daemon-reload
    # What the agent has started goes on: the restart ends the agent alone. It is not waited for: a version that hangs
    # at its start would hold the package manager up, and whoever is to put the former one back.
    systemctl --no-block try-restart paas-agent
fi
