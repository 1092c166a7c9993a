# shellcheck shell=sh
# What is this version's own: it is built from the vendor's source on the host.
# shellcheck source=../../instance.sh
. "${0%/*}/../../instance.sh"
# shellcheck source=../nginx.sh
. "${0%/*}/../nginx.sh"
more=

settings() {
    nginx_settings
    case " ${BUILD_OPTIONS:=} " in
    *[!A-Za-z0-9_=.,/+\ -]* | *" "[!\ -]* | *" -"[!-]*) refuse "BUILD_OPTIONS has to be options of nginx's configure" ;;
    esac
}

# build: PACKAGE_FILE becomes what install_package takes. nginx finds its files from the folder it is told when it is
# launched, so the paths are relative; what a newer compiler warns of is no error.
build() {
    [ -f "${PACKAGE_FILE:-}" ] || return 0
    for tool in cc make; do
        command -v "$tool" >/dev/null ||
            fail "nginx is built on this host, and $tool is missing: install it (Debian: build-essential; Red Hat: gcc make)"
    done
    command -v curl >/dev/null || command -v wget >/dev/null || fail "the check needs curl or wget: install one of them"
    rm -rf build
    mkdir -p build/source build/nginx/bin build/nginx/conf
    tar -xf "$PACKAGE_FILE" -C build/source --strip-components=1 --no-same-owner ||
        fail "${PACKAGE:-the package} could not be unpacked; is it a tar archive, and is there room on the disk?"
    [ -f build/source/configure ] || fail "${PACKAGE:-the package} is no source of nginx: there is no ./configure in it"
    (cd build/source && compile >../log 2>&1) || unbuilt
    cp build/source/objs/nginx build/nginx/bin
    cp build/source/conf/mime.types build/nginx/conf
    tar -C build -cf build/package.tar nginx
    PACKAGE_FILE=$home/build/package.tar
}

compile() {
    set -f
    # shellcheck disable=SC2086 # options are words
    sh ./configure --with-cc-opt='-O2 -Wno-error' --error-log-path=log/error.log --pid-path=pid --lock-path=tmp/lock \
        --http-log-path=log/access.log --http-client-body-temp-path=tmp/body --http-proxy-temp-path=tmp/proxy \
        --http-fastcgi-temp-path=tmp/fastcgi --http-uwsgi-temp-path=tmp/uwsgi --http-scgi-temp-path=tmp/scgi \
        $BUILD_OPTIONS && make -j "$(nproc)"
}

unbuilt() {
    tail -n 20 build/log >&2
    fail "nginx could not be built; why is said above and in $home/build/log. Where a library is missing, install its" \
        "development files (Debian: libpcre3-dev zlib1g-dev libssl-dev) or leave the part out with BUILD_OPTIONS"
}

run() { launch "$PORT" log/error.log software/bin/nginx -p "$home/" -c nginx.conf; }

ask() {
    if command -v curl >/dev/null; then
        timeout 10 curl -sSf "$1"
    else
        timeout 10 wget -q -O - "$1"
    fi
}
