"""What the API's document says in words, and of headers."""

ABOUT = """\
Databases and middleware on hosts: what is expected of each is written down beside what is really there, and the
controller closes the difference.

Keys of a body that begin with `//` are comments: they are ignored and not kept. Any other unknown key is refused.
Passwords, keys and secret metadata are answered as `******`; written back, that means unchanged.
Lists answer `{"items": […], "next": …}`; `?cursor=` takes the `next` of the page before. Times are UTC.
"""
TAGS = {
    "database": "Databases on hosts.",
    "middleware": "Middleware on hosts; the calls are those of databases.",
    "operations": "What ran: one action on one host.",
    "events": "Every change as it happens.",
    "hosts": "The registry of hosts; each has one agent.",
    "tokens": "Who may ask, and what.",
    "tenants": "Companies and teams that have apps of their own.",
    "apps": "Apps on Kubernetes: a pool of memory each, and what runs in it.",
    "caas_apps": "Single containers on Kubernetes, made of templates.",
    "port_pools": "Ports by which apps are reached: what may be given away, and what is reserved.",
    "audit": "Who asked for which change.",
    "agents": "What agents ask, and nobody else.",
    "controller": "The program itself.",
}
"""By the first word of the path."""
REFUSALS = {
    400: "Malformed: the message names what is wrong.",
    401: "No valid token.",
    403: "The token's role may not do this; or the token is a tenant's, and this is the platform's.",
    404: "There is nothing of this name.",
    409: "It stands against what is there; the message says how to go on.",
    412: "It is another one by now.",
    413: "The body is larger than 1 MiB.",
    416: "There is no such part of it.",
    422: "Understood, and refused for good.",
    503: "Not now; ask again after as many seconds as Retry-After says.",
}
WITH = {401: ["WWW-Authenticate"], 503: ["Retry-After"]}
"""The headers of refusals."""
HEADERS = {
    "X-Request-Id": "Names the request, in the answer and in the log.",
    "Retry-After": "Seconds.",
    "WWW-Authenticate": "Bearer.",
    "ETag": "The version of this record.",
    "If-Match": "Do this only to the version that an ETag named; 409, of a file 412, where it is another one by now.",
    "If-None-Match": "An ETag that is known already; 304 while it is the same.",
    "Range": "Only this part of it.",
    "Idempotency-Key": "Do this once: within a day the same key and body get the first answer.",
    "Idempotency-Replayed": "true where this is the first answer again, and nothing was done.",
    "Last-Event-ID": "Go on after this event.",
}
_ETAGS = r'^(\*|(W/)?"[!#-~]+"( *, *(W/)?"[!#-~]+")*)$'
SHAPES = {
    "If-Match": {"pattern": _ETAGS, "examples": ['"17-3"']},
    "If-None-Match": {"pattern": _ETAGS, "examples": ['"17-3"']},
    "Idempotency-Key": {"pattern": r"^[\x21-\x7e]{1,255}$", "examples": ["7b0e2c"]},
    "Range": {"pattern": r"^bytes=([0-9]{1,18}-|-[0-9]{1,18})$", "examples": ["bytes=1000-"]},
    "Last-Event-ID": {"pattern": r"^[0-9]{1,18}$", "examples": ["0"]},
}
"""The shapes of headers that are read."""
