# shellcheck shell=sh
# What is Tomcat's own: its metadata, its configuration, and how it is asked whether it is well.
# shellcheck source=../../instance.sh
. "${0%/*}/../../instance.sh"
software=tomcat
patience=3600

settings() {
    number PORT "${PORT:=8080}" 1 65535
    case ${BIND:=0.0.0.0} in
    *[!0-9A-Fa-f.:]*) refuse "BIND has to be one IP address" ;;
    esac
    number HEAP_LIMIT "${HEAP_LIMIT:=0}" 0 9999999
    number MAX_THREADS "${MAX_THREADS:=200}" 1 10000
    one_of ACCESS_LOG "${ACCESS_LOG:=off}" on off
}

# ./data is Tomcat's CATALINA_BASE. The page that the check asks for stands on a virtual host of its own, so it takes no
# path from the applications; it has a name nobody can guess and says what no other instance says.
configure() {
    rm -rf check
    mkdir -p data/conf data/conf.d data/lib check tmp
    [ -d data/webapps ] || {
        mkdir -p data/webapps/ROOT
        echo 'Tomcat works. Put applications into webapps.' >data/webapps/ROOT/index.html
    }
    [ -f data/conf/web.xml ] || cp software/tomcat/conf/web.xml data/conf
    read -r page </proc/sys/kernel/random/uuid
    cat /proc/sys/kernel/random/uuid >"check/$page"
    case $BIND in
    0.0.0.0) address=127.0.0.1 ;;
    ::) address='[::1]' ;;
    *:*) address="[$BIND]" ;;
    *) address=$BIND ;;
    esac
    # shellcheck disable=SC2016 # Tomcat puts in what stands in braces
    access='<Valve className="org.apache.catalina.valves.AccessLogValve" directory="${catalina.base}/../log"
                    prefix="access" suffix=".log" rotatable="false" pattern="combined"/>'
    [ "$ACCESS_LOG" = on ] || access=
    cat >logging.properties <<CONF
handlers = java.util.logging.ConsoleHandler
java.util.logging.ConsoleHandler.formatter = org.apache.juli.OneLineFormatter
CONF
    cat >server.xml <<CONF
<!-- http://$address:$PORT/$page -->
<Server port="-1">
    <Listener className="org.apache.catalina.core.JreMemoryLeakPreventionListener"/>
    <Listener className="org.apache.catalina.core.ThreadLocalLeakPreventionListener"/>
    <Service name="Catalina">
        <Connector address="$BIND" port="$PORT" maxThreads="$MAX_THREADS"/>
$(cat data/conf.d/*.xml 2>/dev/null)
        <Engine name="Catalina" defaultHost="localhost">
            <Host name="localhost" appBase="webapps">
                $access
                <Valve className="org.apache.catalina.valves.ErrorReportValve" showReport="false"
                    showServerInfo="false"/>
            </Host>
            <Host name="check.invalid" appBase="\${catalina.base}/../check" autoDeploy="false" deployOnStartup="false">
                <Context path="" docBase="\${catalina.base}/../check">
                    <JarScanner scanClassPath="false"/>
                </Context>
            </Host>
        </Engine>
    </Service>
</Server>
CONF
}

# As Tomcat's own start script has it.
run() {
    set --
    [ "$HEAP_LIMIT" = 0 ] || set -- "-Xmx${HEAP_LIMIT}m"
    for opened in java.lang java.lang.reflect java.io java.util java.util.concurrent; do
        set -- "$@" "--add-opens=java.base/$opened=ALL-UNNAMED"
    done
    launch "$PORT" log/tomcat.log software/jre/bin/java "$@" --add-opens=java.rmi/sun.rmi.transport=ALL-UNNAMED \
        -XX:-UsePerfData -XX:ErrorFile=log/crash-%p.log -Djava.awt.headless=true "-Djava.io.tmpdir=$home/tmp" \
        -Djava.util.logging.config.file=logging.properties \
        -Djava.util.logging.manager=org.apache.juli.ClassLoaderLogManager \
        -Djava.protocol.handler.pkgs=org.apache.catalina.webresources -Dsun.io.useCanonCaches=false \
        -Dorg.apache.catalina.startup.EXIT_ON_INIT_FAILURE=true \
        "-Dcatalina.home=$home/software/tomcat" "-Dcatalina.base=$home/data" \
        -cp software/tomcat/bin/bootstrap.jar:software/tomcat/bin/tomcat-juli.jar \
        org.apache.catalina.startup.Bootstrap -config "$home/server.xml" start
}

# Looked at in peace: the start needs the machine itself.
opened() { sleep 0.1 && last_words | grep -q 'Server startup in'; }

check_server() {
    running=$(server_pid)
    [ -n "$running" ] || answer 1 "tomcat does not run"
    read -r _ url _ <server.xml
    place=${url%/*}
    said=$(timeout 10 software/bin/busybox wget -q -O - --header "Host: check.invalid" "$url" 2>&1) ||
        answer 1 "tomcat did not give its page on $place: $said"
    [ "$said" = "$(cat "check/${url##*/}" 2>/dev/null)" ] ||
        answer 1 "another tomcat than this instance's, or something else, answers on $place"
    answer 0 "tomcat answers on $place"
}
