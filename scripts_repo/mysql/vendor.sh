# shellcheck shell=sh disable=SC2034,SC2154
# What is MySQL's own in each version: its metadata, and how its tables are made.
software=mysql
daemon=bin/mysqld
client=bin/mysql
needs='its machine type and the libraries that it misses (libaio, libnuma, libncurses)'

settings() {
    case ${APP_USER:=root} in
    *[!A-Za-z0-9_.-]* | mysql.* | ?????????????????????????????????*)
        refuse "APP_USER has to be at most 32 letters, digits and . _ -, and must not begin with mysql."
        ;;
    esac
    login=$APP_USER
    [ "$login" = root ] || [ -n "${APP_PASSWD:=}" ] || refuse "APP_USER needs APP_PASSWD"
    mysql_settings APP_PASSWD "${APP_PASSWD:=}"
    bound
}

# root needs no password, but exists for clients of the socket only; who may enter ./run, where that is, may be root. The
# client, which often misses a library, is tried too.
make_tables() {
    # shellcheck disable=SC2086
    "software/$client" --no-defaults --version && $as "software/$daemon" --no-defaults --initialize-insecure \
        "--basedir=$home/software" "--datadir=$home/data/new"
}
