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
more='loose-mysqlx = OFF' # or a second port, the same for all instances, would be open

bound() { :; }
