"""Measures 1 and 2: check results accepted per second, one per request, and in the reports of agents."""

import statistics
import tempfile
from pathlib import Path

from bench.bare import bare_server
from bench.fleet import SimulatedAgent, fleet
from bench.load import rate, request
from bench.result import Result, spread
from tests.testbeds.stack import API, Stack

RUNS = 15
SECONDS = 0.7
INSTANCES_AN_AGENT = 20
SIZES = (5, 50, 500)
"""Agents, each with 20 instances."""
_BODY = b'{"code":"0","msg":"PONG, 3 clients, 1048576 bytes used"}'


async def measure() -> list[Result]:
    single: dict[int, float] = {}
    batch: dict[int, float] = {}
    for agents in SIZES:
        with tempfile.TemporaryDirectory() as folder, bare_server() as bare:
            async with Stack(Path(folder)) as stack:
                made = await fleet(stack, agents, INSTANCES_AN_AGENT)
                ones, bares, batches = await _turns(stack.port, bare, made)
        size = agents * INSTANCES_AN_AGENT
        single[size], batch[size] = statistics.median(ones), statistics.median(batches)
    yardstick = statistics.median(bares)
    ratio, tenfold = _ratio(ones, bares), _ratio(batches, ones)
    return [
        Result("checks", 1, f"checks accepted, one a request, {size:,} instances", single[size], "/s", spread(ones),
               "a bare aiohttp handler", yardstick, ratio, "≥ 0.7", ratio >= 0.7, single, "instances"),
        Result("reports", 2, f"checks accepted in reports of 20, {size:,} instances", batch[size], "/s",
               spread(batches), "measure 1", single[size], tenfold, "≥ 10", tenfold >= 10, batch, "instances"),
    ]  # fmt: skip


def _ratio(rates: list[float], yardsticks: list[float]) -> float:
    """The median of the turns' own ratios: the machine may be slower in one turn than in the next."""
    return statistics.median(rate / yardstick for rate, yardstick in zip(rates, yardsticks, strict=True))


async def _turns(port: int, bare: int, agents: list[SimulatedAgent]) -> tuple[list[float], list[float], list[float]]:
    """The three rates in turn, so that a noisy moment hits them alike; a first turn warms up."""
    checks = [
        request("PUT", f"{API}/database/{name}/check", agent.token, _BODY) for agent in agents for name in agent.names
    ]
    plain = [request("PUT", f"/database/{name}/check", agent.token, _BODY) for agent in agents for name in agent.names]
    ones, bares, batches = [], [], []
    for _ in range(RUNS + 1):
        bares.append(await rate(bare, plain, seconds=SECONDS))
        ones.append(await rate(port, checks, seconds=SECONDS))
        reports = [
            request("POST", f"{API}/agents/report", agent.token, agent.report())
            for _ in range(3000 // len(agents)) for agent in agents
        ]  # fmt: skip
        batches.append(await rate(port, reports, seconds=SECONDS, connections=8) * INSTANCES_AN_AGENT)
    return ones[1:], bares[1:], batches[1:]
