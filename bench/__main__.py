"""`make bench`: every measure in turn, one table, bench/results/<name>.json and report.svg."""

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable

from bench import apps, checks, death, download, plots, start, weight
from bench.result import HEADER, Result

MEASURES: dict[str, Callable[[], Awaitable[list[Result]]]] = {
    "checks": checks.measure,
    "start": start.measure,
    "death": death.measure,
    "weight": weight.measure,
    "download": download.measure,
    "apps": apps.measure,
}


async def run(names: list[str]) -> None:
    began, results = time.monotonic(), []
    print(HEADER, flush=True)
    for name in names:
        for result in await MEASURES[name]():
            result.keep()
            results.append(result)
            print(result.line(), *(f"    {key} {value:.3g}" for key, value in result.more.items()), flush=True)
    plots.draw(results)
    print(f"{time.monotonic() - began:.0f} s; figures and report.svg are in bench/results")


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"only these: {', '.join(MEASURES)}")
    names = parser.parse_args().names
    if unknown := set(names) - MEASURES.keys():
        parser.error(f"no measure is called {', '.join(sorted(unknown))}; there are {', '.join(MEASURES)}")
    asyncio.run(run(names or list(MEASURES)))


if __name__ == "__main__":
    main()
