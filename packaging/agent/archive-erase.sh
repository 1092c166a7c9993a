#!/bin/sh
# Erases the agent where its archive was installed; the instances' data stays. Run as root.
set -eu
scripts=$(mktemp -d)
trap 'rm -rf "$scripts"' EXIT
cp /usr/lib/paas-agent/archive/* "$scripts"
sh "$scripts/prerm" remove
rm -rf /usr/lib/paas-agent /usr/bin/paas-agent
rm -f /usr/lib/systemd/system/paas-agent.service /usr/lib/systemd/system/paas-agent-upgrade.* /usr/lib/sysusers.d/paas-agent.conf
sh "$scripts/postrm" purge
