# shellcheck shell=sh
# What is this version's own: it comes with busybox to ask for the check's page, and is told where its files are.
# shellcheck source=../../instance.sh
. "${0%/*}/../../instance.sh"
# shellcheck source=../nginx.sh
. "${0%/*}/../nginx.sh"
more='client_body_temp_path tmp/body; proxy_temp_path tmp/proxy; fastcgi_temp_path tmp/fastcgi;
    uwsgi_temp_path tmp/uwsgi; scgi_temp_path tmp/scgi;'

settings() { nginx_settings; }

run() { launch "$PORT" log/error.log software/bin/nginx -e log/error.log -p "$home/" -c nginx.conf; }

ask() { timeout 10 software/bin/busybox wget -q -O - "$1"; }
