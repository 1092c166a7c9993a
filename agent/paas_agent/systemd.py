"""What systemd wants to hear of a service of Type=notify."""

import asyncio
import os
import socket


def notify(message: str) -> None:
    """Tell the service manager, if there is one that listens."""
    path = os.environ.get("NOTIFY_SOCKET", "")
    if path:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as manager:
            manager.sendto(message.encode(), path.replace("@", "\0", 1) if path.startswith("@") else path)


async def keep_alive() -> None:
    """Feed the service manager's watchdog for as long as the loop turns."""
    period = int(os.environ.get("WATCHDOG_USEC", "0")) / 2_000_000
    while True:
        notify("WATCHDOG=1")
        await asyncio.sleep(period or 3600)
