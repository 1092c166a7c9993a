#!/bin/sh
# tree.sh FOLDER: makes what a host is installed from, a Debian 12 with systemd and sshd, from the sources of this
# machine's apt. The lines on stdin are accounts with their passwords, as chpasswd takes them.
set -eu
tree=$1
accounts=$(cat)

apt-get -qq update
# shellcheck disable=SC2016  # apt's own variables
mirror=$(apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' |
    sed -n 's/^bookworm main //p' | sed -n 1p)
if [ -z "$mirror" ]; then
    echo "apt has no sources of Debian 12 (bookworm) on this machine" >&2
    exit 1
fi
http_proxy=${http_proxy:-$(apt-config shell proxy Acquire::http::Proxy | sed "s/^proxy='\(.*\)'$/\1/")}
export http_proxy

# Whoever is killed meanwhile begins anew, so dpkg need not wait for the disk after each file.
mmdebstrap --quiet --mode=root --variant=minbase --dpkgopt=force-unsafe-io --aptopt='APT::Sandbox::User "root"' \
    --include=systemd,systemd-sysv,dbus,openssh-server,sudo,python3,python3-venv,iproute2,procps,ca-certificates,rpm \
    bookworm "$tree" "$mirror"

# A host has a name, an identity and SSH keys of its own, from its first boot on.
rm -f "$tree"/etc/hostname "$tree"/etc/resolv.conf "$tree"/etc/ssh/ssh_host_*
: >"$tree/etc/machine-id"
mkdir -p "$tree/etc/systemd/system/ssh.service.d"
cat >"$tree/etc/systemd/system/ssh.service.d/keys.conf" <<UNIT
[Service]
ExecStartPre=
ExecStartPre=/bin/sh -c 'test -s /etc/ssh/ssh_host_ed25519_key || ssh-keygen -q -t ed25519 -N "" -f /etc/ssh/ssh_host_ed25519_key'
ExecStartPre=/usr/sbin/sshd -t
UNIT
cat >"$tree/etc/ssh/sshd_config.d/hosts.conf" <<SSHD
HostKey /etc/ssh/ssh_host_ed25519_key
PermitRootLogin yes
UseDNS no
MaxStartups 100
SSHD

# What a host without a default route only waits for, and timers that would wake up in the middle of a test. The kernel
# has 128 inotify instances for all hosts together: what only watches for nobody does without.
for unit in systemd-networkd.service systemd-resolved.service getty.target console-getty.service systemd-logind.service \
    systemd-ask-password-console.path systemd-ask-password-wall.path; do
    ln -sf /dev/null "$tree/etc/systemd/system/$unit"
done
rm -f "$tree"/etc/systemd/system/timers.target.wants/*
mkdir -p "$tree/var/log/journal"

chroot "$tree" useradd --create-home --shell /bin/bash --groups sudo ops
chroot "$tree" useradd --create-home --shell /bin/bash robot
chroot "$tree" useradd --create-home --shell /bin/bash plain
echo 'robot ALL=(ALL) NOPASSWD: ALL' >"$tree/etc/sudoers.d/robot"
printf '%s\n' "$accounts" | chroot "$tree" chpasswd
