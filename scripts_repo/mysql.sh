# shellcheck shell=sh disable=SC2034,SC2154
# What MariaDB and MySQL share. Their server.sh sets `daemon` and `client`, programs below ./software, where needed `more`
# lines for the server's file, and in `settings` `login`: the administrator who may come over the network.
pid_file=run/pid
patience=86400 # the port is opened after recovery, which can take its time: whoever waits has a deadline

# mysql_settings PASSWORD_KEY PASSWORD
mysql_settings() {
    number PORT "${PORT:=3306}" 1 65535
    secret "$1" "$2"
    listen_on "$1"
    number MAX_CONNECTIONS "${MAX_CONNECTIONS:=151}" 10 100000
    : "${INNODB_BUFFER_POOL_SIZE:=128M}"
    case $INNODB_BUFFER_POOL_SIZE in
    *[MG]) number INNODB_BUFFER_POOL_SIZE "${INNODB_BUFFER_POOL_SIZE%?}" 1 999999999 ;;
    *) refuse "INNODB_BUFFER_POOL_SIZE has to be a number and M or G, as 128M" ;;
    esac
    run_as
}

# make_database: whole or not at all. `make_tables` makes it in ./data/new.
make_database() {
    mkdir -p data/conf.d data/files
    own data data/conf.d data/files
    [ ! -d data/db/mysql ] || return 0
    rm -rf run data/new
    mkdir run
    own run
    said=$(LD_LIBRARY_PATH=$home/software/lib TMPDIR=$home/run make_tables 2>&1) ||
        fail "the database could not be made: $(echo "$said" | grep -i error || echo "$said")"
    mv -T data/new data/db || fail "$home/data/db holds files that are not $software's; move them away"
}

# What stands after own settings cannot be set otherwise. What a killed server left in ./run is nobody's by now.
configure() {
    [ -d data/db/mysql ] || fail "there is no database in $home/data/db: bring it back, or install for a new one"
    rm -rf run
    mkdir run
    cat >my.cnf.new <<CONF
# $home
[mysqld]
character-set-server = utf8mb4
max-connections = $MAX_CONNECTIONS
innodb-buffer-pool-size = $INNODB_BUFFER_POOL_SIZE
${more:-}
!includedir data/conf.d
[mysqld]
bind-address = $(echo "$BIND" | tr ' ' ,)
port = $PORT
CONF
    own data data/conf.d data/files run my.cnf.new
    see
    mv my.cnf.new my.cnf
}

# Names are not resolved, so that nobody but a client of the socket is a client from localhost. SQL reads and writes files
# of the host in ./data/files only. A server takes away the temporary tables that it finds: these must be its own.
run() {
    # shellcheck disable=SC2086
    launch "$PORT" "log/$software.log" $as "software/$daemon" --defaults-file=my.cnf "--basedir=$home/software" \
        "--datadir=$home/data/db" --socket=../../run/sock "--pid-file=$home/run/pid" --skip-name-resolve \
        "--secure-file-priv=$home/data/files" "--tmpdir=$home/run"
    first_client
    [ -z "$password" ] || set_password
}

# A TERM that came before the first client was served could be lost, and the server would not end.
first_client() {
    until said=$(echo 'SELECT 1' | ask) || [ "${said#ERROR 1045 }" != "$said" ]; do
        kill -0 "$server" 2>/dev/null || died
        sleep 0.1
    done
}

# A replica has its primary's accounts, and a server that is read-only takes none. No log of the server gets the
# password, and an error is told only up to the words that it complains of.
set_password() {
    writes=$(echo 'SELECT @@global.read_only' | ask) || fail "root could not log in to set the password: $writes"
    [ "$writes" = 0 ] || return 0
    quoted=$(printf '%s' "$password" | sed "s/[\\\\']/\\\\&/g")
    said=$(
        ask <<SQL
SET SESSION sql_mode = '', sql_log_bin = 0, sql_log_off = 1, long_query_time = 31536000;
CREATE USER IF NOT EXISTS '$login'@'%' IDENTIFIED BY '$quoted';
ALTER USER '$login'@'%' IDENTIFIED BY '$quoted';
GRANT ALL PRIVILEGES ON *.* TO '$login'@'%' WITH GRANT OPTION;
SQL
    ) || fail "the password of $login could not be set: ${said%% near *}"
}

# ask: runs the SQL of standard input as root on the socket of the present folder. The path is short wherever that lies.
ask() {
    LD_LIBRARY_PATH=$home/software/lib timeout 20 "$home/software/$client" --no-defaults --socket=run/sock --user=root \
        --batch --skip-column-names --connect-timeout=10 2>&1
}

# The folder and the port that the server names say whose it is.
check_server() {
    running=$(server_pid)
    [ -n "$running" ] || answer 1 "$software does not run"
    read -r _ place <my.cnf
    port=$(sed -n 's/^port = //p' my.cnf)
    said=$(cd "$place" && echo 'SELECT CONCAT(@@datadir, @@port)' | ask) ||
        answer 1 "$software did not let us log in: $said"
    [ "$said" = "$home/data/db/$port" ] || answer 1 "another $software than this instance's answers: $said"
    answer 0 "$software answers on port $port"
}
