#!/bin/sh
# freezer.sh FOLDER: makes the tree that the agent is frozen in, a Debian 11 with a Python 3.11 of its own: what is
# frozen there runs wherever glibc is 2.31 or newer. OpenSSL and Python are built from the sources of Debian 12, with its
# fixes, because Debian 11 has neither in a version that is still looked after.
set -eu
tree=$1
jobs=$(nproc)

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
debootstrap --variant=minbase --include=dpkg-dev,gcc,libc6-dev,libexpat1-dev,libffi-dev,zlib1g-dev bullseye "$tree" "$mirror"

private=$(mktemp -d)
trap 'rm -rf "$private"' EXIT
mkdir -p "$private/lists/partial" "$tree/src"
chmod 755 "$private"
signed=/usr/share/keyrings/debian-archive-keyring.gpg
echo "deb-src [signed-by=$signed] $mirror bookworm main" >"$private/sources.list"
apt="apt-get -qq -o Dir::Etc::SourceList=$private/sources.list -o Dir::Etc::SourceParts=/dev/null -o Dir::State::Lists=$private/lists"
$apt update
(cd "$tree/src" && $apt -o APT::Sandbox::User=root source --download-only openssl python3.11)

inside() {
    chroot "$tree" /usr/bin/env -i PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 sh -eu -c "$1" >>"$tree/src/log" 2>&1 || {
        tail -n 20 "$tree/src/log" >&2
        exit 1
    }
}
# shellcheck disable=SC2016 # the shell inside expands it
inside 'cd /src && for source in *.dsc; do dpkg-source --no-check -x $source "${source%%_*}"; done'
# Certificates are looked for where Debian has them; the frozen agent knows where others do.
inside "cd /src/openssl && ./config --prefix=/usr/local --libdir=lib --openssldir=/etc/ssl shared no-tests &&
    make -j$jobs build_sw && make install_sw && ldconfig"
inside "cd /src/python3.11 && ./configure --prefix=/usr/local --enable-shared --with-openssl=/usr/local --with-system-expat \
        --without-ensurepip --disable-test-modules && make -j$jobs && make install && ldconfig &&
    python3.11 -c 'import ssl, zlib, ctypes, pyexpat'"
# What of it goes along with the agent, for the list of what is in the packages.
# shellcheck disable=SC2016  # dpkg's own variables
inside "{ grep -hE '^(Source|Version):' /src/*.dsc | sed 's/^.*: //' | paste -d ' ' - -
    dpkg-query -W -f '\${source:Package} \${source:Version}\n' zlib1g libffi7 libexpat1 libgcc-s1 \
        libstdc++6; } >/usr/local/share/sources"
rm -rf "$tree/src" "$tree"/var/cache/apt/archives/*.deb "$tree"/var/lib/apt/lists/*
