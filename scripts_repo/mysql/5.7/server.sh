# shellcheck shell=sh
# What is this version's own.
# shellcheck source=../../instance.sh
. "${0%/*}/../../instance.sh"
# shellcheck source=../../database.sh
. "${0%/*}/../../database.sh"
# shellcheck source=../../mysql.sh
. "${0%/*}/../../mysql.sh"
# shellcheck source=../vendor.sh
. "${0%/*}/../vendor.sh"

# It listens on one address or on all.
bound() {
    case $BIND in
    "127.0.0.1 ${HOST_IP:-}") BIND=0.0.0.0 ;;
    *' '*) refuse "BIND has to be one IP address: MySQL 5.7 listens on one or, with 0.0.0.0, on all" ;;
    esac
}
