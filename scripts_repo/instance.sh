# shellcheck shell=sh disable=SC2154,SC2329
# What the scripts of every software share; their server.sh reads it in and sets `software`, the name for people.
# The server's binary lies under ./software, and the server itself writes its pid as soon as it holds its port.
set -eu
umask 077
export LC_ALL=C
cd "$INSTANCE_DIR"
home=$(pwd -P)

# What a server.sh may set otherwise: how the server's binary ends, where helpers of it lead sessions too; the file that
# the server writes once it holds its port, the seconds it may take for that (a minute is more than any disk needs), the
# signal that ends it, what a package needs to run, and the command that looks at the server's processes for us.
program=
pid_file=pid
patience=60
ending=TERM
needs='its machine type and glibc 2.36 (Debian 12) or newer'
look=

fail() {
    echo "$*" >&2
    exit 1
}

refuse() {
    echo "$*" >&2
    exit 2
}

# number KEY VALUE LOWEST HIGHEST: the value is written into a file that a server reads, so nothing else may pass.
number() {
    case $2 in
    '' | *[!0-9]* | ????????????????*) ;;
    *) [ "$2" -lt "$3" ] || [ "$2" -gt "$4" ] || return 0 ;;
    esac
    refuse "$1 has to be a number from $3 to $4"
}

# one_of KEY VALUE ALLOWED...
one_of() {
    key=$1 value=$2
    shift 2
    for allowed in "$@"; do
        [ "$value" != "$allowed" ] || return 0
    done
    refuse "$key has to be one of: $*"
}

# ours PID: it runs a binary of this instance. A number alone may belong to anybody by now; a zombie has no binary.
ours() {
    case ${1:-none} in
    *[!0-9]*) return 1 ;;
    esac
    binary=$($look readlink "/proc/$1/exe") || return 1
    case $binary in
    "$home"/*) ;;
    *) return 1 ;;
    esac
}

# own_processes [END]: the pids of all of them, also those whose parent was killed; or of those whose binary ends so.
own_processes() {
    $look find /proc/[0-9]*/exe -maxdepth 0 -printf '%h %l\n' 2>/dev/null | while read -r process binary; do
        case $binary in
        "$home"/*"${1:-}") echo "${process#/proc/}" ;;
        esac
    done
}

# stat_of PID: its state, parent, process group and session.
stat_of() {
    read -r line 2>/dev/null <"/proc/$1/stat" || return 1
    line=${line##*) }
    echo "${line%"${line#* * * * }"}"
}

# server_pid: the pid of the server, or nothing. Should the pid file be lost, the server is known as the one of our
# processes that leads a session.
server_pid() {
    number=
    if [ -s pid ] && read -r number <pid && ours "$number"; then
        echo "$number"
        return
    fi
    for number in $(own_processes "$program"); do
        case $(stat_of "$number") in
        *" $number ") echo "$number" ;;
        esac
    done
}

# set_deadline SECONDS, in_time: in hundredths, by the machine's uptime, which no corrected clock moves.
set_deadline() {
    read -r now _ </proc/uptime
    deadline=$((${now%.*}${now#*.} + $1 * 100))
}

in_time() {
    read -r now _ </proc/uptime
    [ "${now%.*}${now#*.}" -lt "$deadline" ]
}

# opened: whether the server just launched holds its port. A server.sh may know it otherwise than by the server's file.
opened() { [ -s "${awaited:=$pid_file}" ]; }

# launch PORT LOG COMMAND...: in a session of its own, back as soon as it holds its port; then ./pid is there.
launch() {
    port=$1 log=$2
    shift 2
    : >>"$log"
    before=$(wc -c <"$log")
    rm -f pid "$pid_file"
    LD_LIBRARY_PATH=$home/software/lib setsid "$@" </dev/null >>"$log" 2>&1 &
    server=$!
    awaited=
    set_deadline "$patience"
    until opened; do
        kill -0 "$server" 2>/dev/null || died
        in_time || not_opened
        sleep 0.02
    done
    [ -s pid ] || echo "$server" >pid
    echo "$software runs on port $port, process $server"
}

not_opened() {
    said="did not open port $port within $patience s"
    [ -z "$awaited" ] || said="did not write ./$awaited within $patience s: let it, or give server.sh a function opened"
    fail "$software (process $server) runs, but $said; see $home/$log"
}

# last_words: what the log has got since the launch.
last_words() { tail -c "+$((before + 1))" "$log"; }

died() {
    last_words | tail -n 20 >&2
    if last_words | grep -qi 'address already in use'; then
        fail "port $port is taken by another program: set PORT to a free one, or end that program"
    fi
    fail "$software ended as soon as it was started; its last words are above and in $home/$log"
}

# end PID: asked to, and waited for. It is not killed: a database may be writing its data.
end() {
    kill -"$ending" "$1" 2>/dev/null || return 0
    set_deadline "$STOP_TIMEOUT"
    while ours "$1"; do
        in_time ||
            fail "$software (process $1) did not end within $STOP_TIMEOUT s of $ending. It is not killed, for it may be" \
                "writing its data: kill -9 $1 on the host if it hangs, or raise STOP_TIMEOUT; see $home/log"
        sleep 0.02
    done
}

stop_server() {
    number STOP_TIMEOUT "${STOP_TIMEOUT:=100}" 1 86400
    for process in $(server_pid) $(own_processes); do
        ! ours "$process" || end "$process"
    done
    rm -f pid
}

# start_server, restart_server: of the software's own, `settings` reads and refuses, `configure` writes the server's
# file and `run` launches. What a killed server left behind ends before the next one starts.
start_server() {
    running=$(server_pid)
    if [ -n "$running" ]; then
        echo "$running" >pid
        echo "$software runs already, process $running"
        return
    fi
    restart_server
}

restart_server() {
    [ -d software ] || fail "$software is not installed here: install it first"
    settings
    stop_server
    configure
    run
}

# install_package PROGRAM ARGUMENT: unpacked beside what is there and tried before it takes its place; data stays.
install_package() {
    [ -f "${PACKAGE_FILE:-}" ] || fail "there is no package to install: name it in app.package"
    rm -rf software.new software.old
    mkdir -p software.new data log
    tar -xf "$PACKAGE_FILE" -C software.new --strip-components=1 --no-same-owner ||
        fail "${PACKAGE:-the package} could not be unpacked; is it a tar archive, and is there room on the disk?"
    trial=$(LD_LIBRARY_PATH=$home/software.new/lib "software.new/$1" "$2" 2>&1) ||
        fail "${PACKAGE:-the package} does not run here; it needs $needs: $trial"
    [ ! -e software ] || mv software software.old
    mv software.new software
    rm -rf software.old
    echo "$software is installed in $home"
}

# uninstall_package FILE...: data and log stay, unless PURGE_DATA=true.
uninstall_package() {
    one_of PURGE_DATA "${PURGE_DATA:=false}" true false
    stop_server
    rm -rf software software.new software.old "$@"
    if [ "$PURGE_DATA" = true ]; then
        rm -rf data log
        echo "$software is uninstalled, its data is gone"
    else
        echo "$software is uninstalled; its data, if any, stays in $home/data"
    fi
}

# answer CODE MESSAGE: the check's result. Whatever a server said, this is one line of JSON.
answer() {
    message=$(printf '%s' "$2" | head -c 500 | tr -c '[:print:]' ' ' | sed 's/[\\"]/\\&/g')
    printf '{"code":"%s","msg":"%s"}\n' "$1" "$message"
    exit 0
}
