# shellcheck shell=sh
# What is nginx's own: its metadata, its configuration, and how it is asked whether it is well.
# shellcheck source=../../instance.sh
. "${0%/*}/../../instance.sh"
software=nginx

settings() {
    number PORT "${PORT:=8080}" 1 65535
    case ${BIND:=0.0.0.0} in
    *[!0-9A-Fa-f.:]*) refuse "BIND has to be one IP address" ;;
    *:*) BIND="[$BIND]" ;;
    esac
    case ${ROOT:=$home/data/www} in
    "$home/data/www") ROOT=data/www ;;
    *[!A-Za-z0-9._/@+-]* | [!/]*) refuse "ROOT has to be an absolute path of letters, digits and . _ / @ + -" ;;
    *) [ -d "$ROOT" ] || refuse "ROOT is no folder on this host: $ROOT" ;;
    esac
    [ "${WORKERS:=auto}" = auto ] || number WORKERS "$WORKERS" 1 256
    one_of ACCESS_LOG "${ACCESS_LOG:=off}" on off
}

# The page that the check asks for has a name nobody can guess. Workers are what the agent is: another user could not
# enter the instance's folder.
configure() {
    mkdir -p data/conf.d tmp
    [ -d data/www ] || { mkdir data/www && echo 'nginx works. Put pages into this folder.' >data/www/index.html; }
    read -r page </proc/sys/kernel/random/uuid
    case $BIND in
    0.0.0.0) address=127.0.0.1 ;;
    '[::]') address='[::1]' ;;
    *) address=$BIND ;;
    esac
    user='' access=off
    [ "$(id -u)" != 0 ] || user='user root;'
    [ "$ACCESS_LOG" = off ] || access=log/access.log
    cat >nginx.conf.new <<CONF
# http://$address:$PORT/$page
daemon off;
$user
pid pid;
worker_processes $WORKERS;
error_log log/error.log warn;
events {}
http {
    include software/conf/mime.types;
    default_type application/octet-stream;
    sendfile on;
    server_tokens off;
    access_log $access;
    client_body_temp_path tmp/body;
    proxy_temp_path tmp/proxy;
    fastcgi_temp_path tmp/fastcgi;
    uwsgi_temp_path tmp/uwsgi;
    scgi_temp_path tmp/scgi;
    server {
        listen $BIND:$PORT;
        root $ROOT;
        location = /$page {
            access_log off;
            default_type text/plain;
            return 200 \$pid;
        }
    }
    include data/conf.d/*.conf;
}
CONF
    mv nginx.conf.new nginx.conf
}

run() { launch "$PORT" log/error.log software/bin/nginx -e log/error.log -p "$home/" -c nginx.conf; }

# The page holds the pid of the worker that answered; its parent is our server, or it is not our page.
check_server() {
    running=$(server_pid)
    [ -n "$running" ] || answer 1 "nginx does not run"
    read -r _ url <nginx.conf
    place=${url%/*}
    said=$(timeout 10 software/bin/busybox wget -q -O - "$url" 2>&1) ||
        answer 1 "nginx did not give its page on $place: $said"
    case $said in
    '' | *[!0-9]*) answer 1 "something else than this nginx answers on $place" ;;
    esac
    case $(stat_of "$said") in
    ?" $running "*) answer 0 "nginx answers on $place" ;;
    *) answer 1 "another nginx than this instance's answers on $place" ;;
    esac
}
