"""What passes over a link, as somebody on the way sees it."""

import socket
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address

_EVERY_PROTOCOL = 3
_LONGEST = 1 << 17
_ROOM = 1 << 25
_ETHERNET, _IPV4, _TCP = 14, b"\x08\x00", 6
_End = tuple[str, int]


class Captured:
    """The bytes of each TCP connection and direction, in the order in which they passed."""

    def __init__(self) -> None:
        self._passed: dict[tuple[_End, _End], bytearray] = defaultdict(bytearray)

    def take(self, frame: bytes) -> None:
        """One frame of Ethernet; what is no TCP over IPv4 is left out."""
        packet = frame[_ETHERNET:]
        if frame[12:_ETHERNET] != _IPV4 or packet[9] != _TCP:
            return
        # Short frames are padded: the packet says itself how long it is.
        segment = packet[4 * (packet[0] & 15) : int.from_bytes(packet[2:4])]
        source = str(IPv4Address(packet[12:16])), int.from_bytes(segment[0:2])
        target = str(IPv4Address(packet[16:20])), int.from_bytes(segment[2:4])
        self._passed[source, target] += segment[4 * (segment[12] >> 4) :]

    def count(self, port: int) -> int:
        """The bytes to and from this port."""
        return sum(len(passed) for ends, passed in self._passed.items() if port in (ends[0][1], ends[1][1]))

    def shows(self, text: str) -> bool:
        """Whether it can be read in any of them."""
        return any(text.encode() in passed for passed in self._passed.values())


@contextmanager
def captured(link: str) -> Iterator[Captured]:
    """All that passes over this link of this machine, from now on; complete when the context is left."""
    found, done = Captured(), threading.Event()
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as wire:
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _ROOM)
        wire.settimeout(0.05)
        wire.bind((link, _EVERY_PROTOCOL))

        def read() -> None:
            while True:
                try:
                    found.take(wire.recv(_LONGEST))
                except TimeoutError:
                    if done.is_set():
                        return

        reading = threading.Thread(target=read)
        reading.start()
        try:
            yield found
        finally:
            done.set()
            reading.join()
