# shellcheck shell=sh
# What is PostgreSQL's own: its metadata, its configuration, and how it is asked whether it is well.
# shellcheck source=../../instance.sh
. "${0%/*}/../../instance.sh"
# shellcheck source=../../database.sh
. "${0%/*}/../../database.sh"
software=postgresql
pid_file=run/pid
ending=INT # with TERM it would wait until the last client has gone

settings() {
    number PORT "${PORT:=5432}" 1 65535
    secret PASSWORD "${PASSWORD:=}"
    listen_on PASSWORD
    number MAX_CONNECTIONS "${MAX_CONNECTIONS:=100}" 10 100000
    : "${SHARED_BUFFERS:=128MB}"
    case $SHARED_BUFFERS in
    *[kMG]B) number SHARED_BUFFERS "${SHARED_BUFFERS%?B}" 1 999999999 ;;
    *) refuse "SHARED_BUFFERS has to be a number and kB, MB or GB, as 128MB" ;;
    esac
    run_as
}

# make_database: whole or not at all. Clients of the network log in with a password; who may enter ./run, where the
# socket is, needs none.
make_database() {
    mkdir -p data/conf.d
    own data data/conf.d
    [ ! -f data/db/PG_VERSION ] || return 0
    rm -rf data/new
    said=$(LD_LIBRARY_PATH=$home/software/lib $as software/bin/initdb -D data/new -U postgres --encoding=UTF8 \
        --locale=C.UTF-8 --data-checksums --auth-local=trust --auth-host=scram-sha-256 2>&1) ||
        fail "the database could not be made: $said"
    echo 'host all all all scram-sha-256' >>data/new/pg_hba.conf
    mv -T data/new data/db || fail "$home/data/db holds files that are not PostgreSQL's; move them away"
}

# A killed server's lock names a process that may be anybody's by now; none of ours is left when this is called.
configure() {
    [ -f data/db/PG_VERSION ] || fail "there is no database in $home/data/db: bring it back, or install for a new one"
    rm -rf run data/db/postmaster.pid
    mkdir run
    cat >postgresql.conf.new <<CONF
# $home
max_connections = $MAX_CONNECTIONS
shared_buffers = $SHARED_BUFFERS
include_dir 'data/conf.d'
listen_addresses = '$(echo "$BIND" | tr ' ' ,)'
port = $PORT
unix_socket_directories = '../../run'
unix_socket_permissions = 0700
external_pid_file = '../../run/pid'
CONF
    own data data/conf.d run postgresql.conf.new
    see
    mv postgresql.conf.new postgresql.conf
}

# It accepts clients once it has recovered, which after an accident can take minutes: whoever waits has a deadline.
run() {
    # shellcheck disable=SC2086
    launch "$PORT" log/postgresql.log $as software/bin/postgres -D data/db -c config_file=postgresql.conf
    ! last_words | grep -q 'Address already in use' || half_open
    until state=$(sed -n 8p data/db/postmaster.pid 2>/dev/null) && [ "${state%% *}" = ready ]; do
        kill -0 "$server" 2>/dev/null || died
        [ "${state%% *}" != standby ] || return 0
        sleep 0.05
    done
    [ -z "$password" ] || set_password
}

# It would do without an address that another program has, and clients would find that program.
half_open() {
    end "$server"
    rm -f pid
    died
}

# psql hashes the password, so that no log and no statistics of the server ever hold it. A replica has its primary's.
set_password() {
    said=$(
        {
            echo '\set ON_ERROR_STOP 1'
            echo 'SELECT pg_is_in_recovery() AS replica \gset'
            printf '%s\n' '\if :replica' '\q' '\endif' '\password postgres' "$password" "$password"
        } | ask "$PORT"
    ) || fail "the password of postgres could not be set: $said"
}

# ask PORT ARGUMENT...: psql on the socket of the present folder, by a path that is short wherever the folder lies. It
# has no terminal, where it would ask for a password.
ask() {
    socket_port=$1
    shift
    LD_LIBRARY_PATH=$home/software/lib PGCONNECT_TIMEOUT=10 setsid -w timeout 20 "$home/software/bin/psql" -X -q -A -t \
        -h /proc/self/cwd/run -p "$socket_port" -U postgres -d postgres "$@" 2>&1
}

# The folder that answers says whose server it is.
check_server() {
    running=$(server_pid)
    [ -n "$running" ] || answer 1 "postgresql does not run"
    read -r _ place <postgresql.conf
    port=$(sed -n 's/^port = //p' postgresql.conf)
    said=$(cd "$place" && ask "$port" -c 'SHOW data_directory') ||
        answer 1 "postgresql did not let us log in on port $port: $said"
    [ "$said" = "$home/data/db" ] || answer 1 "another postgresql than this instance's answers on port $port"
    answer 0 "postgresql answers on port $port"
}

# Each of its processes leads a session, so only its own lock tells which one is the server.
server_pid() {
    { read -r number <data/db/postmaster.pid && ours "$number" && echo "$number"; } 2>/dev/null || true
}
