"""A program that writes notes, many at once, and prints each one when it is said to be kept: `writer.py FOLDER`."""

import asyncio
import itertools
import sys
from pathlib import Path

from tests.controller.store.conftest import add, opened

WRITERS = 20


async def main(folder: Path) -> None:
    store = await opened(folder)

    async def write(number: int) -> None:
        for count in itertools.count():
            print(await store.write(add(f"{number}-{count}")), flush=True)

    await asyncio.gather(*map(write, range(WRITERS)))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
