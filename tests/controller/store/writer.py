"""A program that writes notes, many at once, and prints each one when it is said to be kept: `writer.py URL`."""

import asyncio
import itertools
import sys

from tests.controller.store.conftest import add, opened

WRITERS = 20


async def main(url: str) -> None:
    store = await opened(url)

    async def write(number: int) -> None:
        for count in itertools.count():
            print(await store.write(add(f"{number}-{count}")), flush=True)

    await asyncio.gather(*map(write, range(WRITERS)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
