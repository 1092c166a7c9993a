"""Names of things in a cluster, and amounts."""

import re

from paas_controller.caas.confine.shapes import At, Shape, mapping, matching, text, whole

LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
"""A DNS label."""
SERVICE = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
"""What a Service may be called: a DNS label that begins with a letter."""
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_PORT = "(?::(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?"
_HOST = rf"[a-zA-Z0-9]+(?:-+[a-zA-Z0-9]+)*(?:\.[a-zA-Z0-9]+(?:-+[a-zA-Z0-9]+)*)*{_PORT}"
_PART = r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*"
IMAGE = re.compile(
    rf"(?:{_HOST}/)?{_PART}(?:/{_PART})*(?::[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}})?(?:@sha256:[0-9a-f]{{64}})?"
)
"""A reference to an image: `[host[:port]/]name[:tag][@sha256:…]`."""
ENV = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")
"""The name of a variable of the environment."""

label = matching(LABEL, "a DNS label: up to 63 of a-z 0-9 and -", 63)
subdomain = matching(_SUBDOMAIN, "a name in DNS: of a-z 0-9 - and .")
image = matching(IMAGE, "a reference to an image, as in registry.example.org/shop/web:1.2", 512)
env_name = matching(ENV, "the name of a variable: of A-Z a-z 0-9 _ - and .", 256)
port_name = matching(
    re.compile(r"(?=[0-9-]*[a-z])[a-z0-9](-?[a-z0-9])*"), "a port's name: up to 15 of a-z 0-9 and -", 15
)
port = whole(1, 65535)
key = matching(re.compile(r"[-._a-zA-Z0-9]+"), "a key: of A-Z a-z 0-9 - _ and .")
# What the cluster calls the token of a service account: its name, and five of the letters that it takes for such ends.
_OF_ACCOUNT = r".*-token-[bcdfghjklmnpqrstvwxz2456789]{5}"
secret = matching(
    re.compile(rf"(?!{_OF_ACCOUNT}$){_SUBDOMAIN.pattern}"),
    "the name of a secret of the app: of a-z 0-9 - and ., and none that may be a service account's token",
)
path = matching(re.compile(r"/[^:\0]*"), "an absolute path without a colon", 4096)
below = matching(
    re.compile(r"(?!/)(?!.*(?:^|/)\.\.(?:/|$))[^:\0]+", re.DOTALL), "a relative path without .. and colons", 4096
)

# Prefixes are how one tells the cluster's own programs what to do: networks, meshes, balancers, runtimes.
_KEY = r"[A-Za-z0-9]([-A-Za-z0-9_]{0,61}[A-Za-z0-9])?"
_ours = "a name without a prefix and dots; what has one belongs to the platform and the cluster"
labels = mapping(
    matching(re.compile(_KEY), _ours),
    matching(re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?"), "up to 63 of A-Z a-z 0-9 - _ and .", 63),
    50,
)
annotations = mapping(matching(re.compile(rf"(prometheus\.io/)?{_KEY}"), _ours), text(16384), 50)


def port_or_name(value: object, at: At) -> object:
    """A port by its number, or by the name that a container gives it."""
    shape: Shape = port_name if isinstance(value, str) else port
    return shape(value, at)
