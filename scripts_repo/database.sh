# shellcheck shell=sh disable=SC2034,SC2154
# What the scripts of the SQL databases share beyond instance.sh: the account that the server runs as, where it listens,
# and the passwords.

# secret KEY VALUE: the value becomes $password, and leaves the environment, which a server would inherit. It may hold
# quotes and all: whoever writes it somewhere has to quote it.
secret() {
    password=$2
    case $password in
    *[![:print:]]*) refuse "$1 has to be printable ASCII characters" ;;
    esac
    unset "$1"
}

# listen_on PASSWORD_KEY: BIND as a list. Without a password the database is for this machine alone; with one
# also for those who reach the address that the host goes by, if the host has it itself.
listen_on() {
    if [ -z "${BIND:=}" ]; then
        BIND=127.0.0.1
        [ -z "$password" ] || ! has_address "${HOST_IP:-}" || BIND="$BIND $HOST_IP"
    fi
    case $BIND in
    *[!0-9A-Fa-f.:\ ]* | *,* | ' '* | *' ') refuse "BIND has to be IP addresses with one blank between them" ;;
    esac
    [ -n "$password" ] || [ "$BIND" = 127.0.0.1 ] || [ "$BIND" = ::1 ] || refuse "BIND beyond 127.0.0.1 or ::1 needs $1"
}

# has_address IPV4: one of this host's own, but for loopback.
has_address() {
    case $1 in
    '' | 127.* | *[!0-9.]*) return 1 ;;
    esac
    grep -A 1 -x " *|-- $1" /proc/net/fib_trie 2>/dev/null | grep -q '/32 host LOCAL'
}

# run_as: databases refuse to run as root. Under an agent that is root they run as RUN_AS, which then owns the data, with
# no other privilege than to enter the instance's folder, and without that one where the folder is open to the account.
run_as() {
    as=''
    case $(id -u):${RUN_AS:=} in
    0:*) ;;
    *: | *:"$(id -un)") return 0 ;;
    *) refuse "RUN_AS is for an agent that is root; this one is $(id -un)" ;;
    esac
    command -v setpriv >/dev/null || fail "setpriv (of util-linux) is missing: install it, or run the agent unprivileged"
    RUN_AS=${RUN_AS:-nobody}
    account=$(id -u -- "$RUN_AS" 2>/dev/null) || refuse "RUN_AS has to be an account of this host"
    [ "$account" != 0 ] || refuse "RUN_AS has to be another account than root: databases refuse to run as root"
    group=$(id -g -- "$RUN_AS")
    as="setpriv --reuid=$account --regid=$group --init-groups"
    if $as --inh-caps=-all test -x "$home"; then
        as="$as --inh-caps=-all"
    else
        as="$as $(entering)"
    fi
}

# may BIT: whether this process has that capability.
may() {
    capabilities=$(sed -n 's/^CapEff:[[:space:]]*/0x/p' /proc/self/status)
    [ $((capabilities >> $1 & 1)) = 1 ]
}

# entering: with the privilege that opens closed folders (CAP_DAC_READ_SEARCH); containers often have the wider one only.
entering() {
    privilege=dac_override
    ! may 2 || privilege=dac_read_search
    echo "--inh-caps=-all,+$privilege --ambient-caps=-all,+$privilege --securebits=+no_setuid_fixup"
}

# see: a root without CAP_SYS_PTRACE, as in most containers, may not know which program another account's process runs.
# The account itself may: the one that ./run, the server's folder, belongs to.
see() {
    look=''
    [ -d run ] && [ "$(id -u)" = 0 ] && ! may 19 || return 0
    look="setpriv --reuid=$(stat -c %u run) --regid=$(stat -c %g run) --clear-groups $(entering)"
}

see

# own FILE...: hands them to the account, with all that is in them, unless they are its own already.
own() {
    for file in "$@"; do
        [ -z "$as" ] || [ "$(stat -c %u "$file")" = "$account" ] || chown -R "$account:$group" "$file"
    done
}

# install_database PROGRAM: the software, and with `make_database` an empty database where there is none.
install_database() {
    install_package "$1" --version
    [ -z "$as" ] || chmod 755 software
    make_database
}
