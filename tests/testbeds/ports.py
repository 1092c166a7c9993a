"""Ports for programs that are about to be started, also while other tests run at the same time."""

import random
import socket
from contextlib import suppress


def free_port() -> int:
    """A free port of loopback which no outgoing connection is given meanwhile: these are from 32768 on."""
    while True:
        port = random.randrange(10_000, 32_000)
        with suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port
