# shellcheck shell=sh
# What the package recipes share: Debian's packages and all they need, unpacked, picked from, and packed the same way
# each time. apt works on a state, a cache and an (empty) status of its own, so nothing on the machine changes and an
# ordinary user may build.
set -eu
umask 022
export LC_ALL=C

say() { echo "$software $version: $*"; }

die() {
    echo "$software $version: $*" >&2
    exit 1
}

# begin TARGET_FOLDER: the names, the work folder, and a look at the tools.
begin() {
    here=$(cd "${0%/*}" && pwd)
    version=${here##*/}
    software=${here%/*}
    software=${software##*/}
    for tool in apt-get apt-config dpkg-deb ldd; do
        command -v "$tool" >/dev/null || die "$tool is missing; packages can be built on Debian 12 only"
    done
    mkdir -p "$1"
    target=$(cd "$1" && pwd)/$software-$version.tar.gz
    work=$(realpath "$(mktemp -d)")
    trap 'rm -rf "$work"' EXIT
    trap 'exit 130' HUP INT TERM
    tree=$work/tree
    out=$work/pack/$software-$version
    mkdir -p "$tree" "$work/files" "$out/bin" "$out/lib" "$out/copyright"
}

# The machine's sources and proxies count, its hooks and its state do not; only Debian's own packages are taken.
private_apt() {
    apt=${XDG_CACHE_HOME:-$HOME/.cache}/paas-operator/apt
    mkdir -p "$apt/state/lists/partial" "$apt/cache/archives/partial"
    : >"$work/status"
    apt-config dump | grep -E '^(Acquire|Dir::Etc)' >"$work/apt.conf"
    cat >>"$work/apt.conf" <<CONF
Dir::Etc::Parts "/dev/null";
Dir::Etc::Main "/dev/null";
Dir::Etc::Preferences "$work/preferences";
Dir::Etc::PreferencesParts "/dev/null";
Dir::State "$apt/state";
Dir::State::Status "$work/status";
Dir::Cache "$apt/cache";
Dir::Log "$work";
APT::Sandbox::User "root";
APT::Install-Recommends "false";
CONF
    cat >"$work/preferences" <<PINS
Package: *
Pin: release o=Debian
Pin-Priority: 990

Package: *
Pin: release o=*
Pin-Priority: -1
PINS
    export APT_CONFIG="$work/apt.conf"
}

# unpack PACKAGE...: these and what they depend on, into $tree. The C library stays out: it has to match the loader,
# which is the host's; so a package runs where glibc is at least as new as where it was built.
unpack() {
    private_apt
    say "fetching $* and what they need"
    apt-get -qq update 2>"$work/update" || true
    apt-get -qq -s install "$@" >"$work/solution" 2>"$work/errors" || not_found "$@"
    apt-get -qq -y --download-only install "$@" >/dev/null 2>"$work/errors" ||
        die "the packages could not be fetched: $(tail -n 1 "$work/errors")"
    sed -n 's/^Inst \([^ ]*\) (\([^ ]*\) .*\[\([a-z0-9]*\)\]).*/\1_\2_\3.deb/p' "$work/solution" |
        sed 's/:/%3a/; /^libc6_/d' >"$work/debs"
    while read -r deb; do
        dpkg-deb --vextract "$apt/cache/archives/$deb" "$tree" >"$work/files/${deb%.deb}"
    done <"$work/debs"
}

# not_found PACKAGE...: ends, and says whose fault it is. Whoever can be given libc6 has Debian's lists.
not_found() {
    unknown=$(sed -n "s/^E: Unable to locate package //p; s/^E: Package '\(.*\)' has no installation candidate/\1/p" \
        "$work/errors" | paste -s -d ' ')
    [ -z "$unknown" ] || ! apt-get -qq -s install libc6 >/dev/null 2>&1 ||
        die "Debian has no package $unknown; apt-cache search finds names"
    die "apt finds no $* of Debian; does apt-get update work here? $(tail -qn 1 "$work/update" "$work/errors" | paste -s -d ' ')"
}

# must_be PACKAGE PREFIX: what was fetched is the version that the folder promises.
must_be() {
    found=$(sed -n "s/^$1_//p" "$work/debs" | sed 's/^[0-9]*%3a//; s/_.*//')
    case $found in
    "$2".*) ;;
    *) die "Debian offers $1 $found here, not $2; build on Debian 12" ;;
    esac
}

# take SOURCE TARGET_FOLDER: a file of $tree into the package; whose it is is remembered.
take() {
    real=$(realpath -qe "$tree/$1") || die "$1 is in none of the packages; $(nearest "${1##*/}")"
    cp "$real" "$out/$2/${1##*/}"
    (cd "$work/files" && grep -lxF ".${real#"$tree"}" -- *) >>"$work/owners"
}

# nearest NAME: where a file of that name is instead.
nearest() {
    found=$(cd "$tree" && find . -name "$1" ! -type d | sed 's|^\./||' | sort | paste -s -d , | sed 's/,/, /g')
    echo "${found:+there is }${found:-dpkg-deb -c lists what is in one}"
}

# take_folder SOURCE TARGET_FOLDER: all that is in a folder of $tree, links as what they lead to within it.
take_folder() {
    find "$tree/$1" -type l -lname '/*' | while read -r link; do
        ln -sfn "$tree$(readlink "$link")" "$link"
    done
    mkdir -p "$out/$2"
    cp -RL "$tree/$1/." "$out/$2"
    find -L "$tree/$1" -type f -exec realpath {} + | sed "s|^$tree|.|" >"$work/taken"
    (cd "$work/files" && grep -lxFf "$work/taken" -- *) >>"$work/owners"
}

# take_libraries FILE...: what these files of the package load, but for each other and the C library.
take_libraries() {
    path=$(find "$tree/lib" "$tree/usr/lib" -maxdepth 1 -name '*-linux-gnu*' 2>/dev/null | tr '\n' ':')
    path=$path$(dirname "$@" | sort -u | sed "s|^|$out/|" | tr '\n' ':')
    for file in "$@"; do
        LD_LIBRARY_PATH=$path ldd "$out/$file" || die "$file is no program for this machine"
    done | awk '$2 == "=>" { print $1, $3 }' | sort -u >"$work/libraries"
    while read -r name place; do
        case $place in
        "$tree"/*) take "${place#"$tree"/}" lib ;;
        "$out"/*) ;;
        not) die "$name is in none of the packages" ;;
        *) is_libc "$name" || die "$name would come from this machine ($place), not from the package" ;;
        esac
    done <"$work/libraries"
}

is_libc() {
    case $1 in
    libc.so.* | libm.so.* | libdl.so.* | librt.so.* | libpthread.so.* | libresolv.so.* | libutil.so.*) ;;
    *) return 1 ;;
    esac
}

# stands_alone: that no program and no library of the package loads what is not in it. The machine that builds has often
# got it by chance, and so hides what is missing.
stands_alone() {
    find "$out" -type f -exec grep -l "^$(printf '\177ELF')" {} + >"$work/programs" || return 0
    path=$out/lib:$(sed 's|/[^/]*$||' "$work/programs" | sort -u | paste -s -d :)
    while read -r file; do
        LD_LIBRARY_PATH=$path ldd "$file" 2>/dev/null | awk '$2 == "=>" { print $1, $3 }' >"$work/libraries" || true
        while read -r name place; do
            case $place in
            "$out"/*) ;;
            *) is_libc "$name" || die "${file#"$out"/} needs $name, which is not in the package: take_libraries ${file#"$out"/}" ;;
            esac
        done <"$work/libraries"
    done <"$work/programs"
}

# pack: the list of Debian packages, their copyrights, and an archive whose bytes depend on its content only.
pack() {
    stands_alone
    sort -u "$work/owners" | while read -r owner; do
        echo "$owner" | sed 's/%3a/:/; s/_/ /g'
        cp -L "$tree/usr/share/doc/${owner%%_*}/copyright" "$out/copyright/${owner%%_*}"
    done >"$out/PACKAGES"
    tar -C "$work/pack" --sort=name --mtime='2023-01-01 00:00Z' --owner=0 --group=0 --numeric-owner \
        --mode=u=rwX,go=rX --format=gnu -cf "$work/package.tar" "$software-$version"
    gzip -n "$work/package.tar"
    cp "$work/package.tar.gz" "$target.new"
    mv "$target.new" "$target"
    say "made $target"
}
