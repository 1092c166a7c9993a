# shellcheck shell=sh
# What is redis's own: its metadata, its configuration, and how it is asked whether it is well.
# shellcheck source=../../instance.sh
. "${0%/*}/../../instance.sh"
software=redis

settings() {
    number PORT "${PORT:=6379}" 1 65535
    case ${PASSWORD:=} in
    *[![:print:]]* | *[\"\\]*) refuse "PASSWORD has to be printable ASCII characters without \" and \\" ;;
    esac
    bind_address
    : "${MAXMEMORY:=0}"
    number MAXMEMORY "${MAXMEMORY%[kmg]b}" 0 999999999999999
    one_of MAXMEMORY_POLICY "${MAXMEMORY_POLICY:=noeviction}" noeviction allkeys-lru allkeys-lfu allkeys-random \
        volatile-lru volatile-lfu volatile-random volatile-ttl
    one_of APPENDONLY "${APPENDONLY:=yes}" yes no
}

# Without a password redis is for this machine alone. A minus: redis does without an address that the host has not.
bind_address() {
    loopback=127.0.0.1
    if [ -z "${BIND:=}" ]; then
        BIND=$loopback
        case ${HOST_IP:-127.} in
        127.* | *[!0-9.]*) ;;
        *) [ -z "$PASSWORD" ] || BIND="$loopback -$HOST_IP" ;;
        esac
    fi
    case $BIND in
    *[!0-9A-Fa-f.:\ -]*) refuse "BIND has to be IP addresses with blanks between them" ;;
    esac
    [ -n "$PASSWORD" ] || [ "$BIND" = "$loopback" ] || [ "$BIND" = ::1 ] ||
        refuse "BIND beyond 127.0.0.1 or ::1 needs a PASSWORD"
}

configure() {
    {
        cat <<CONF
bind $BIND
port $PORT
dir data
pidfile ../pid
appendonly $APPENDONLY
maxmemory $MAXMEMORY
maxmemory-policy $MAXMEMORY_POLICY
CONF
        [ -z "$PASSWORD" ] || echo "requirepass \"$PASSWORD\""
    } >redis.conf.new
    mv redis.conf.new redis.conf
}

# A broken data file ends redis after it has opened its port; a large one takes its time, and the check will tell.
run() {
    launch "$PORT" log/redis.log software/bin/redis-server redis.conf
    set_deadline 1
    until last_words | grep -q 'Ready to accept connections' || ! in_time; do
        kill -0 "$server" 2>/dev/null || died
        sleep 0.02
    done
}

# What runs was started with redis.conf; the metadata may have changed since and counts from the next start on.
running_settings() {
    REDISCLI_AUTH=
    while read -r key value; do
        case $key in
        bind) address=${value%% *} ;;
        port) port=$value ;;
        requirepass) value=${value#\"} REDISCLI_AUTH=${value%\"} ;;
        esac
    done <redis.conf
    case $address in
    0.0.0.0) address=127.0.0.1 ;;
    ::) address=::1 ;;
    esac
    address=${address#-}
}

# PING is refused by redis itself while it loads or cannot write to its disk; the process id says that it is ours.
check_server() {
    running=$(server_pid)
    [ -n "$running" ] || answer 1 "redis does not run"
    running_settings
    [ -z "$REDISCLI_AUTH" ] || export REDISCLI_AUTH
    said=$(printf 'PING\nINFO server\n' | LD_LIBRARY_PATH=$home/software/lib timeout 10 \
        software/bin/redis-cli -h "$address" -p "$port" --no-auth-warning 2>&1) || true
    case $said in
    PONG*"process_id:$running$(printf '\r')"*) answer 0 "redis answers on $address port $port" ;;
    PONG*) answer 1 "another redis than this instance's answers on $address port $port" ;;
    '') answer 1 "redis runs, but did not answer PING on $address port $port within 10 s" ;;
    *) answer 1 "redis did not answer PING with PONG on $address port $port: $said" ;;
    esac
}
