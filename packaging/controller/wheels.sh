#!/bin/sh
# wheels.sh FOLDER: puts there the wheels of all that controller and client need, as they are pinned, for Python 3.11;
# fetched once for each set of pins.
set -eu
umask 022
target=$(realpath "$1")
cd "$(dirname "$0")/../.."

cache=${XDG_CACHE_HOME:-$HOME/.cache}/paas-operator
mkdir -p "$cache"
cache=$(realpath "$cache")
exec 9>"$cache/bundled.lock"
flock 9
rm -rf "$cache"/bundling-*
work=$(mktemp -d "$cache/bundling-XXXXXX")
trap 'rm -rf "$work"' EXIT
.venv/bin/python packaging/agent/pins.py paas-controller paas-client >"$work/pins.txt"
wheels=$cache/bundled-$(sha256sum "$work/pins.txt" | cut -c 1-16)
if [ ! -d "$wheels" ]; then
    .venv/bin/pip -qq --disable-pip-version-check download --no-deps --require-hashes --only-binary :all: \
        --python-version 3.11 -r "$work/pins.txt" -d "$work/wheels" || {
        echo "wheels: what is pinned cannot be fetched" >&2
        exit 1
    }
    rm -rf "$cache"/bundled-*/
    mv "$work/wheels" "$wheels"
fi
cp "$wheels"/*.whl "$target/"
