#!/bin/sh
# freeze.sh FOLDER: makes the folder: the frozen agent, with Python and libraries in it, frozen now where the cache does
# not have it. The cache knows it by its inputs: the agent, its pins, how it is frozen, and the tree that it is frozen in.
set -eu
umask 022
target=$(realpath -m "$1")
cd "$(dirname "$0")/../.."

die() {
    echo "freeze: $*" >&2
    exit 1
}
hash_of() {
    cat -- "$@" | sha256sum | cut -c 1-16
}
# Half-made is never found: the folder is named when it is whole.
make_tree() {
    echo "freeze: making the tree to freeze in; this is done once and takes minutes" >&2
    sh packaging/agent/freezer.sh "$work/tree" >"$work/log" 2>&1 || die "$(tail -n 1 "$work/log")"
    mv "$work/tree" "$tree"
}
make_frozen() {
    platform=$(uname -m)-manylinux_2_31
    for part in paas-agent pyinstaller; do
        .venv/bin/python packaging/agent/pins.py "$part" >"$work/$part.txt"
        .venv/bin/uv pip install --quiet --target "$work/mnt/$part" --python-version 3.11 --python-platform "$platform" \
            --only-binary :all: --require-hashes --no-deps -r "$work/$part.txt" || die "what is pinned cannot be fetched"
    done
    cp -R agent/paas_agent packaging/agent/certificates.py "$work/mnt/"
    printf 'from paas_agent.__main__ import main\n\nmain()\n' >"$work/mnt/paas-agent.py"
    # shellcheck disable=SC2016 # the shell inside expands it
    unshare --mount --pid --fork --kill-child sh -euc 'mount --bind "$1/mnt" "$2/mnt" && mount -t proc proc "$2/proc"
        exec chroot "$2" env -i PATH=/usr/local/bin:/usr/bin:/bin LC_ALL=C.UTF-8 HOME=/mnt PYTHONHASHSEED=1 \
        SOURCE_DATE_EPOCH=315532800 PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=/mnt:/mnt/paas-agent:/mnt/pyinstaller sh -c "$3"' \
        freeze "$work" "$tree" 'cd /mnt && python3.11 -m PyInstaller --noconfirm --onedir --contents-directory lib \
        --strip --runtime-hook certificates.py --exclude-module setuptools --copy-metadata apscheduler \
        --hidden-import cryptography.x509 --log-level WARN paas-agent.py' >"$work/log" 2>&1 || {
        cat "$work/log" >&2
        die "PyInstaller could not freeze the agent"
    }
    chmod -R u=rwX,go=rX "$work/mnt/dist/paas-agent"
    cp "$tree/usr/local/share/sources" "$work/mnt/dist/paas-agent/lib/"
    mv "$work/mnt/dist/paas-agent" "$frozen"
}
# keep_newest COUNT NAME: of former recipes and agents only so many stay, those that were used last.
keep_newest() {
    find "$cache" -maxdepth 1 -type d -name "$2-*" -printf '%T@ %p\n' | sort -rn | tail -n "+$(($1 + 1))" | cut -d ' ' -f 2- |
        xargs -r -d '\n' rm -rf --one-file-system
}

[ "$(id -u)" = 0 ] || die "the agent is frozen in a Debian 11 of its own, which takes root; run this as root"
command -v apt-get >/dev/null || die "the agent is frozen with Debian's packages; run this on Debian 12"
cache=${XDG_CACHE_HOME:-$HOME/.cache}/paas-operator
mkdir -p "$cache"
cache=$(realpath "$cache")
tree=$cache/freezer-$(hash_of packaging/agent/freezer.sh)
inputs=$(find agent/paas_agent -name '*.py' | LC_ALL=C sort)
# shellcheck disable=SC2086 # names of modules hold no blanks
frozen=$cache/frozen-$(hash_of constraints.txt packaging/agent/*.py packaging/agent/fre*.sh $inputs)
exec 9>"$cache/freezer.lock"
flock 9
# What a killed run has left.
rm -rf --one-file-system "$cache"/freezing-*
if [ ! -d "$frozen" ]; then
    work=$(mktemp -d "$cache/freezing-XXXXXX")
    trap 'rm -rf --one-file-system "$work"' EXIT
    mkdir "$work/mnt"
    [ -d "$tree" ] || make_tree
    make_frozen
fi
for used in "$frozen" "$tree"; do
    [ ! -d "$used" ] || touch "$used"
done
keep_newest 2 freezer
# The tests freeze two versions, and so does whoever works beside.
keep_newest 4 frozen
cp -R "$frozen" "$target"
