#!/bin/sh
# Installs the agent on a host with neither rpm nor dpkg, or the version unpacked here over another; run as root.
# Erase it with /usr/lib/paas-agent/archive/erase.
set -eu
cd "$(dirname "$0")"
if [ "$(id -u)" != 0 ]; then
    echo "install: the agent is installed for the whole host; run this as root" >&2
    exit 1
fi
former=
[ ! -e /usr/lib/paas-agent ] || former=another
rm -rf /usr/lib/paas-agent.new
cp -R usr/lib/paas-agent /usr/lib/paas-agent.new
rm -rf /usr/lib/paas-agent
mv /usr/lib/paas-agent.new /usr/lib/paas-agent
mkdir -p /usr/bin /usr/lib/systemd/system /usr/lib/sysusers.d /etc/paas-agent
chmod 750 /etc/paas-agent
ln -sfn ../lib/paas-agent/paas-agent /usr/bin/paas-agent
# Each file is whole at every moment, and on the disk before what is there counts as installed.
for file in usr/lib/systemd/system/* usr/lib/sysusers.d/*; do
    cp "$file" "/$file.new"
    mv "/$file.new" "/$file"
done
sync
exec sh /usr/lib/paas-agent/archive/postinst configure $former
