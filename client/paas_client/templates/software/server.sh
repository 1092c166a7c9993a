# shellcheck shell=sh
# What is @software@'s own: its metadata, its configuration, and how it is asked whether it is well. As it stands it
# serves the pages in data/www, so that it can be tried before anything is changed.
# shellcheck source=../../instance.sh
. "${0%/*}/../../instance.sh"
software=@software@

# Metadata comes from people: look at every value before it enters a file.
settings() {
    number PORT "${PORT:=8080}" 1 65535
    case ${BIND:=127.0.0.1} in
    *[!0-9.]*) refuse "BIND has to be one IPv4 address" ;;
    esac
}

# The page that the check asks for says what no other instance says.
configure() {
    mkdir -p data/www
    [ -f data/www/index.html ] || echo "$software works." >data/www/index.html
    cat /proc/sys/kernel/random/uuid >data/www/check
    address=$BIND
    [ "$BIND" != 0.0.0.0 ] || address=127.0.0.1
    echo "http://$address:$PORT/check" >server.conf
}

run() {
    read -r url <server.conf
    launch "$PORT" "log/$software.log" software/bin/busybox httpd -f -p "$BIND:$PORT" -h data/www
}

# A server that writes ./pid by itself once its port is open needs no such function.
opened() { [ "$(ask 2>/dev/null)" = "$(cat data/www/check)" ]; }

ask() { timeout 10 software/bin/busybox wget -q -O - "$url"; }

check_server() {
    [ -n "$(server_pid)" ] || answer 1 "$software does not run"
    read -r url <server.conf
    said=$(ask 2>&1) || answer 1 "$software did not give its page, $url: $said"
    [ "$said" = "$(cat data/www/check)" ] ||
        answer 1 "another $software than this instance's, or something else, answers on $url"
    answer 0 "$software gives its page, $url"
}
