# shellcheck shell=sh
# What is MariaDB's own: its metadata, and how its tables are made.
# shellcheck source=../../instance.sh
. "${0%/*}/../../instance.sh"
# shellcheck source=../../database.sh
. "${0%/*}/../../database.sh"
# shellcheck source=../../mysql.sh
. "${0%/*}/../../mysql.sh"
software=mariadb
daemon=sbin/mariadbd
client=bin/mariadb

settings() {
    login=root
    mysql_settings PASSWORD "${PASSWORD:=}"
}

# root needs no password, but exists for clients of the socket only; who may enter ./run, where that is, may be root.
make_tables() {
    cat >run/accounts.sql <<SQL
DELETE FROM mysql.global_priv WHERE User = 'root' AND Host <> 'localhost';
DELETE FROM mysql.proxies_priv WHERE Host <> 'localhost';
SQL
    own run/accounts.sql
    # shellcheck disable=SC2086
    $as software/bin/mariadb-install-db --no-defaults --basedir=software "--datadir=$home/data/new" \
        --auth-root-authentication-method=normal --skip-name-resolve --skip-test-db --extra-file=run/accounts.sql
}
