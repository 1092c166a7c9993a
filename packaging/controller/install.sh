#!/bin/sh
# Installs the controller from the bundle that this stands in, or this version over another; run as root on Debian 12. No
# network is asked. Data, settings and what others have put into the scripts repository stay.
#
#   install [--advertise HOST:PORT]    HOST:PORT is where agents reach this machine; without, it serves loopback only
#   install --uninstall                erases the program; its data and settings stay
set -eu
umask 022
home=/opt/paas-operator
repo=/srv/paas-repo
data=/var/lib/paas-controller
settings=/etc/paas-operator/controller.env
unit=/usr/lib/systemd/system/paas-controller.service

die() {
    echo "install: $*" >&2
    exit 1
}

uninstall() {
    systemctl --quiet disable --now paas-controller 2>/dev/null || true
    rm -f "$unit" /usr/bin/paas-controller /usr/bin/paasctl
    rm -rf "$home"
    systemctl daemon-reload
    echo "The controller is erased; hosts and what runs on them go on. To forget all that it knew, settings included:"
    echo "  rm -rf /var/lib/private/paas-controller $data /etc/paas-operator $repo"
}

look_around() {
    python3 -c 'import sys, ensurepip, venv; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null ||
        die "the libraries here are for Python 3.11 with venv, as Debian 12 has it; apt-get install python3-venv"
    sha256sum --check --quiet --strict SHA256SUMS >/dev/null 2>&1 ||
        die "this bundle is not whole or was changed; unpack it again"
}

# Whole or not at all: what a killed run has left half made is made anew.
install_program() {
    [ ! -e "$release/whole" ] || return 0
    rm -rf "$release"
    python3 -m venv "$release"
    "$release/bin/pip" --quiet --disable-pip-version-check install --no-index --find-links wheels paas-controller paas-client
    touch "$release/whole"
}

# Each software is replaced whole; others, and the agent's other versions, stay.
install_repo() {
    for folder in repo/*/*/; do
        there=$repo/${folder#repo/}
        there=${there%/}
        mkdir -p "${there%/*}"
        rm -rf "$there.new"
        cp -R "$folder" "$there.new"
        rm -rf "$there"
        mv "$there.new" "$there"
    done
    mkdir -p "$repo/paas-agent"
    cp repo/paas-agent/* "$repo/paas-agent/"
}

# What is asked for takes the place of what stood there; all else stays.
write_settings() {
    if [ -e "$settings" ] && [ -z "$advertise" ]; then
        return 0
    fi
    [ -d "${settings%/*}" ] || mkdir -m 0700 "${settings%/*}"
    (
        umask 077
        {
            if [ -e "$settings" ]; then
                grep -vE '^PAAS_CONTROLLER_(LISTEN|ADVERTISE)=' "$settings" || true
            else
                echo "PAAS_CONTROLLER_REPO_DIR=$repo"
            fi
            if [ -n "$advertise" ]; then
                echo "PAAS_CONTROLLER_LISTEN=0.0.0.0:${advertise##*:}"
                echo "PAAS_CONTROLLER_ADVERTISE=$advertise"
            fi
        } >"$settings.new"
    )
    mv "$settings.new" "$settings"
}

switch_over() {
    ln -sfn "$release" "$home/current.new"
    mv -T "$home/current.new" "$home/current"
    ln -sfn "$home/current/bin/paas-controller" /usr/bin/paas-controller
    ln -sfn "$home/current/bin/paasctl" /usr/bin/paasctl
    cp install "$home/install"
    cp paas-controller.service "$unit"
    systemctl daemon-reload
    systemctl --quiet enable paas-controller
    systemctl restart paas-controller
    for former in "$home"/*/; do
        case $former in
        "$release/" | "$home/current/") ;;
        *) rm -rf "$former" ;;
        esac
    done
}

answers() {
    python3 -c 'import socket, sys; socket.create_connection(sys.argv[1].rsplit(":", 1), 1)' "$1" 2>/dev/null
}

wait_until_it_runs() {
    listen=$(sed -n 's/^PAAS_CONTROLLER_LISTEN=//p' "$settings" | tr -d '[]')
    tries=0
    until answers "${listen:-127.0.0.1:3334}"; do
        tries=$((tries + 1))
        [ "$tries" -lt 100 ] || die "the controller does not come up; see journalctl -u paas-controller"
        sleep 0.2
    done
}

tell() {
    address=$(sed -n 's/^PAAS_CONTROLLER_ADVERTISE=//p' "$settings")
    echo "paas-controller $(cat VERSION) runs as a service. Its settings are in $settings, scripts and packages in $repo."
    echo "Next, here as root:"
    if [ -n "$address" ]; then
        echo "  export PAAS_URL=https://$address PAAS_CA_FILE=$data/ca.pem PAAS_TOKEN=\$(cat $data/admin.token)"
    else
        echo "  export PAAS_URL=http://127.0.0.1:3334 PAAS_TOKEN=\$(cat $data/admin.token)"
    fi
    echo "  paasctl host token      # for each host by hand, after installing its package from $repo/paas-agent"
    echo "  paasctl host list"
}

[ "$(id -u)" = 0 ] || die "the controller is installed for the whole machine; run this as root"
command -v systemctl >/dev/null || die "the controller is a service of systemd, and there is none here"
advertise=
case ${1:-} in
--uninstall)
    uninstall
    exit
    ;;
--advertise)
    advertise=${2:-}
    echo "$advertise" | grep -qE '^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+):[0-9]{1,5}$' || die "--advertise takes HOST:PORT, as in 192.0.2.1:3334"
    ;;
"") ;;
*) die "there is --advertise HOST:PORT and --uninstall, no $1" ;;
esac
cd "$(dirname "$0")"
release=$home/$(cat VERSION)-$(sha256sum SHA256SUMS | cut -c 1-8)
look_around
mkdir -p "$home"
install_program
install_repo
write_settings
switch_over
wait_until_it_runs
tell
