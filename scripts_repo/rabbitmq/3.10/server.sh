# shellcheck shell=sh
# What is RabbitMQ's own: its metadata, its configuration, and how it is asked whether it is well.
# shellcheck source=../../instance.sh
. "${0%/*}/../../instance.sh"
software=rabbitmq
program=/beam.smp
patience=3600

settings() {
    number PORT "${PORT:=5672}" 1 65535
    [ -n "${CONTROL_PORT:=}" ] || CONTROL_PORT=$((PORT > 45535 ? PORT - 20000 : PORT + 20000))
    number CONTROL_PORT "$CONTROL_PORT" 1 65535
    [ -z "${MANAGEMENT_PORT:=}" ] || number MANAGEMENT_PORT "$MANAGEMENT_PORT" 1 65535
    case ${BIND:=0.0.0.0} in
    *[!0-9A-Fa-f.:]*) refuse "BIND has to be one IP address" ;;
    esac
    case ${USERNAME:=admin} in
    *[!A-Za-z0-9._@-]*) refuse "USERNAME has to be letters, digits and . _ @ -" ;;
    esac
    case ${PASSWORD:=} in
    '' | *[![:print:]]* | *[\"\\]*) refuse "PASSWORD has to be given: printable ASCII characters without \" and \\" ;;
    esac
    number MEMORY_LIMIT "${MEMORY_LIMIT:=0}" 0 999999999
}

# The node's name has localhost in it, so that its data outlives a new name of the host; nobody but Erlang's tools on
# this machine may reach the node itself, without the daemon (epmd) that instances would have to share.
configure() {
    mkdir -p data/conf.d
    cookie=data/.erlang.cookie
    [ -s "$cookie" ] || { tr -d '\n' </proc/sys/kernel/random/uuid >"$cookie" && chmod 400 "$cookie"; }
    memory='' plugins=''
    [ "$MEMORY_LIMIT" = 0 ] || memory="{vm_memory_high_watermark, {absolute, \"${MEMORY_LIMIT}MiB\"}},"
    [ -z "$MANAGEMENT_PORT" ] || plugins=rabbitmq_management
    echo "[$plugins]." >enabled_plugins
    echo "-start_epmd false -erl_epmd_port $CONTROL_PORT" >erl.args
    cat >definitions.json <<CONF
{"users": [{"name": "$USERNAME", "password": "$PASSWORD", "tags": "administrator"}], "vhosts": [{"name": "/"}],
 "permissions": [{"user": "$USERNAME", "vhost": "/", "configure": ".*", "write": ".*", "read": ".*"}]}
CONF
    cat >rabbitmq.config <<CONF
[{rabbit, [
    {tcp_listeners, [{"$BIND", $PORT}]}, $memory
    {cluster_name, <<"$INSTANCE_NAME">>},
    {load_definitions, "definitions.json"}]},
 {rabbitmq_management, [{tcp_config, [{ip, "$BIND"}, {port, ${MANAGEMENT_PORT:-15672}}]}]}].
CONF
}

# As RabbitMQ's own start script has it, but that idle schedulers spin for a moment, which makes the start a third
# shorter.
run() {
    # shellcheck disable=SC3045 # every sh of Linux has it; 65536 is what Debian gives RabbitMQ
    ulimit -n 65536 2>/dev/null || ulimit -n "$(ulimit -H -n)"
    unset PASSWORD
    export HOME="$home/data" SYS_PREFIX="$home/data" ERL_LIBS="$home/software/rabbitmq/plugins" \
        ERL_MAX_ETS_TABLES=50000 ERL_MAX_PORTS=65536 ERL_CRASH_DUMP_SECONDS=0 RABBITMQ_NODENAME=rabbit@localhost \
        RABBITMQ_LOGS=- RABBITMQ_LOG_BASE="$home/log" RABBITMQ_MNESIA_BASE="$home/data" \
        RABBITMQ_CONFIG_FILES="$home/data/conf.d" RABBITMQ_ADVANCED_CONFIG_FILE="$home/rabbitmq.config" \
        RABBITMQ_ENABLED_PLUGINS_FILE="$home/enabled_plugins"
    launch "$PORT" log/rabbitmq.log software/erlang/bin/erl -args_file erl.args -sname rabbit@localhost \
        -kernel inet_dist_use_interface '{127,0,0,1}' -kernel prevent_overlapping_partitions false \
        +W w +P 1048576 +t 5000000 +stbt db +zdbbl 128000 +sbwt very_short +sbwtdcpu very_short +sbwtdio very_short \
        +MBas ageffcbf +MHas ageffcbf +MBlmbcs 512 +MHlmbcs 512 +MMmcs 30 \
        -syslog logger '[]' -syslog syslog_error_logger false -noinput -boot start_sasl -s rabbit boot
}

# Looked at in peace: the start needs the machine itself.
opened() { sleep 0.1 && last_words | grep -q 'Server startup complete'; }

# Asked inside the node: rabbitmqctl would start a second Erlang for each check, which takes a second of a core.
question() {
    cat <<'ERLANG'
{ok, [[{rabbit, Settings} | _]]} = file:consult("rabbitmq.config"),
[{Bind, Port}] = proplists:get_value(tcp_listeners, Settings),
{ok, Address} = inet:parse_address(Bind),
{ok, Text} = file:read_file("definitions.json"),
#{<<"users">> := [#{<<"name">> := Name, <<"password">> := Password}]} = rabbit_json:decode(Text),
Say = fun(Format, Values) -> lists:flatten(io_lib:format(Format, Values)) end,
Listens = fun() -> lists:keymember(Port, 6, rabbit_networking:active_listeners()) end,
Connect = fun() -> element(1, gen_tcp:connect(Address, Port, [], 5000)) end,
Login = fun() -> element(1, rabbit_access_control:check_user_pass_login(Name, Password)) end,
Short = fun() -> [element(2, Alarm) || {Alarm, _} <- rabbit_alarm:get_alarms(), is_tuple(Alarm)] end,
case rabbit:is_booted() andalso {Listens() andalso Connect(), Login(), Short()} of
    false -> "1 rabbitmq is still starting";
    {false, _, _} -> Say("1 another rabbitmq than this instance's has port ~b", [Port]);
    {error, _, _} -> Say("1 rabbitmq runs, but takes no connections on port ~b", [Port]);
    {ok, refused, _} -> Say("1 rabbitmq runs on port ~b, but does not let ~s in", [Port, Name]);
    {ok, ok, []} -> Say("0 rabbitmq lets ~s in and takes connections on port ~b", [Name, Port]);
    {ok, ok, Of} -> Say("0 rabbitmq takes connections on port ~b, but no messages: it is short of ~w", [Port, Of])
end.
ERLANG
}

check_server() {
    running=$(server_pid)
    [ -n "$running" ] || answer 1 "rabbitmq does not run"
    read -r _ _ _ port <erl.args
    said=$(question | HOME=$home/data timeout 10 software/erlang/bin/erl_call -address "127.0.0.1:$port" -e 2>&1) ||
        answer 1 "rabbitmq runs, but does not answer on its control port $port"
    case $said in
    '{ok, "'[01]*) said=${said#*\"} ;;
    *) answer 1 "rabbitmq runs, but could not say whether it is well; see $home/log/rabbitmq.log" ;;
    esac
    said=${said%\"*}
    answer "${said%% *}" "${said#* }"
}
