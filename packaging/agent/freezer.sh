#!/bin/sh
# freezer.sh FOLDER: makes the tree that the agent is frozen in, a Debian 11 with a Python 3.11 of its own: what is frozen
# there runs wherever glibc is 2.31 or newer. OpenSSL and Python are built from the sources of Debian 12, with its fixes,
# because Debian 11 has neither in a version that is still looked after: no Python 3.11, and OpenSSL 1.1.1.
set -eu
tree=$1
private=$(mktemp -d)
trap 'rm -rf "$private"' EXIT

apt-get -qq update
# shellcheck disable=SC2016  # apt's own variables
mirror=$(apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' |
    sed -n 's/^bookworm main //p' | sed -n 1p)
if [ -z "$mirror" ]; then
    echo "apt has no sources of Debian 12 (bookworm) on this machine" >&2
    exit 1
fi
# Where this machine's apt has it from; what is fetched here touches nothing of its own.
mkdir -p "$private/lists/partial" "$private/cache/archives/partial" "$tree/src"
signed='[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]'
printf '%s\n' "deb $signed $mirror bullseye main" "deb-src $signed $mirror bookworm main" >"$private/sources"
: >"$private/status"
cat >"$private/conf" <<CONF
Dir::Etc::SourceList "$private/sources";
Dir::Etc::SourceParts "/dev/null";
Dir::State::Lists "$private/lists";
Dir::State::Status "$private/status";
Dir::Cache "$private/cache";
APT::Sandbox::User "root";
APT::Install-Recommends "false";
CONF
export APT_CONFIG="$private/conf"
apt-get -qq update
apt-get -qq -y --download-only install base-files bash bzip2 coreutils dash diffutils dpkg-dev findutils gcc grep gzip \
    libc-bin libc6-dev libexpat1-dev libffi-dev make mawk patch perl sed tar xz-utils zlib1g-dev
(cd "$tree/src" && apt-get -qq source --download-only openssl python3.11)

# Unpacked and not installed, which is much quicker: but for these names nothing that follows asks for more.
# shellcheck disable=SC2016 # dpkg's own variables
for deb in "$private"/cache/archives/*.deb; do
    dpkg-deb --extract "$deb" "$tree"
    dpkg-deb --show --showformat '${source:Package} ${source:Version} ${Package}\n' "$deb" >>"$private/binaries"
done
ln -sfn dash "$tree/bin/sh"
ln -sfn mawk "$tree/usr/bin/awk"
(cd "$tree" && mkdir -p tmp mnt proc dev usr/local/include usr/local/lib usr/local/share)
cp -a /dev/null /dev/urandom "$tree/dev/"

inside() {
    chroot "$tree" /usr/bin/env -i PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 CC=gcc \
        MAKEFLAGS="-j$(nproc)" sh -eu -c "$1" >>"$tree/src/log" 2>&1 || {
        tail -n 20 "$tree/src/log" >&2
        exit 1
    }
}
# shellcheck disable=SC2016 # the shell inside expands it
inside 'ldconfig && cd /src && for source in *.dsc; do dpkg-source --no-check -x $source "${source%%_*}"; done'
# Certificates are looked for where Debian has them; the frozen agent knows where others do.
# Of OpenSSL the two libraries alone: neither what is linked into programs, which would compile all of it a second time.
inside 'cd /src/openssl &&
    ./config --prefix=/usr/local --libdir=lib --openssldir=/etc/ssl no-tests no-engine no-legacy && make build_generated &&
    make libcrypto.so libssl.so &&
    cp -R include/openssl /usr/local/include/ && cp -P libcrypto.so* libssl.so* /usr/local/lib/ && ldconfig'
# Debian's fix for pyexpat takes for granted that it is built into Python, as Debian has it. The library is installed as
# it is, not compiled three times over: PyInstaller compiles what it takes, and strips it.
inside "cd /src/python3.11 && sed -i '1i #define Py_BUILD_CORE_MODULE 1' Modules/pyexpat.c &&
    ./configure --prefix=/usr/local --enable-shared --with-openssl=/usr/local --with-system-expat --without-ensurepip \
        --disable-test-modules OPT='-DNDEBUG -fwrapv -O2' && make && make altbininstall inclinstall sharedinstall &&
    make libinstall libainstall PYTHON_FOR_BUILD=: && ldconfig && python3.11 -c 'import ssl, zlib, ctypes, pyexpat'"
# What of it goes along with the agent, for the list of what is in the packages.
{
    grep -hE '^(Source|Version):' "$tree"/src/*.dsc | sed 's/^.*: //' | paste -d ' ' - -
    sed -nE 's/ (zlib1g|libffi7|libexpat1|libgcc-s1|libstdc\+\+6)$//p' "$private/binaries"
} >"$tree/usr/local/share/sources"
rm -rf "$tree/src"
