# shellcheck shell=sh disable=SC2034,SC2154
# What the versions of nginx share: metadata, configuration, and how nginx is asked whether it is well. Their server.sh
# says how a page is asked for (`ask URL`), how nginx is launched, and names further directives (`more`).
software=nginx

nginx_settings() {
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

# The page that the check asks for has a name nobody can guess, and says what no other instance says. Workers are what
# the agent is: another user could not enter the instance's folder.
configure() {
    rm -rf check
    mkdir -p data/conf.d tmp check
    [ -d data/www ] || { mkdir data/www && echo 'nginx works. Put pages into this folder.' >data/www/index.html; }
    read -r page </proc/sys/kernel/random/uuid
    cat /proc/sys/kernel/random/uuid >"check/$page"
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
    $more
    server {
        listen $BIND:$PORT;
        root $ROOT;
        location = /$page {
            access_log off;
            alias check/$page;
        }
    }
    include data/conf.d/*.conf;
}
CONF
    mv nginx.conf.new nginx.conf
}

check_server() {
    [ -n "$(server_pid)" ] || answer 1 "nginx does not run"
    read -r _ url <nginx.conf
    place=${url%/*}
    said=$(ask "$url" 2>&1) || answer 1 "nginx did not give its page on $place: $said"
    [ "$said" = "$(cat "check/${url##*/}" 2>/dev/null)" ] ||
        answer 1 "another nginx than this instance's, or something else, answers on $place"
    answer 0 "nginx answers on $place"
}
