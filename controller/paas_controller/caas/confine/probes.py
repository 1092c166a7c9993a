"""How a container is asked whether it is well, and told that it begins or ends. Always itself, never another host."""

from paas_controller.caas.confine import names
from paas_controller.caas.confine.shapes import choice, listing, one_of, record, refused, text, whole

_ELSEWHERE = refused("only the container itself may be asked: leave the host out")
_HANDLERS = {
    "exec": record({"command": listing(text(), 100)}, required=("command",)),
    "httpGet": record(
        {
            "path": text(),
            "port": names.port_or_name,
            "scheme": one_of("HTTP", "HTTPS"),
            "httpHeaders": listing(record({"name": text(256), "value": text()}, required=("name", "value")), 50),
            "host": _ELSEWHERE,
        },
        required=("port",),
    ),
    "tcpSocket": record({"port": names.port_or_name, "host": _ELSEWHERE}, required=("port",)),
}
_seconds = whole(0, 86400)

probe = choice(
    {**_HANDLERS, "grpc": record({"port": names.port, "service": text(256)}, required=("port",))},
    {
        "initialDelaySeconds": _seconds,
        "periodSeconds": _seconds,
        "timeoutSeconds": _seconds,
        "terminationGracePeriodSeconds": whole(1, 600),
        "successThreshold": whole(0, 1000),
        "failureThreshold": whole(0, 1000),
    },
    "exec, httpGet, tcpSocket and grpc",
)
_hook = choice(
    {**_HANDLERS, "sleep": record({"seconds": whole(0, 600)}, required=("seconds",))},
    {},
    "exec, httpGet, tcpSocket and sleep",
)
lifecycle = record({"postStart": _hook, "preStop": _hook})
