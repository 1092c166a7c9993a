"""A process that fetches one file and says what came of it: `python -m tests.agent.fetching ROOT URL NAME`."""

import asyncio
import sys
from pathlib import Path

import aiohttp

from paas_agent.packages import FetchFailed, Packages


async def main(root: str, url: str, name: str) -> None:
    async with aiohttp.ClientSession() as session:
        packages = Packages(Path(root), session, own=lambda _: None)
        try:
            print(await packages.fetch(url, name))
        except FetchFailed as exc:
            print(exc.fault, exc)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
