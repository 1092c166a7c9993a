"""The agent in numbers, in the text format of Prometheus."""

from collections import Counter
from collections.abc import Iterable, Mapping

import psutil

from paas_agent.checks import Checks
from paas_agent.instances import Instances
from paas_agent.operations import Operations


def render(instances: Instances, operations: Operations, checks: Checks) -> str:
    """All metrics as they are now."""
    process = psutil.Process()
    cpu = process.cpu_times()
    statuses = Counter(str(live.record.status) for live in instances)
    lines = [
        *_family("paas_agent_instances", "gauge", "Instances by status.", "status", statuses),
        *_family("paas_agent_operations_total", "counter", "Operations that ended.", "state", operations.ended),
        *_family("paas_agent_checks_total", "counter", "Checks by verdict.", "verdict", checks.made),
        *_single("process_cpu_seconds_total", "counter", "CPU of the agent itself.", cpu.user + cpu.system),
        *_single("process_resident_memory_bytes", "gauge", "Memory of the agent itself.", process.memory_info().rss),
    ]
    return "\n".join(lines) + "\n"


def _family(name: str, kind: str, text: str, label: str, values: Mapping[str, int]) -> Iterable[str]:
    yield from (f"# HELP {name} {text}", f"# TYPE {name} {kind}")
    for value, count in sorted(values.items()):
        yield f'{name}{{{label}="{value}"}} {count}'


def _single(name: str, kind: str, text: str, value: float) -> Iterable[str]:
    yield from (f"# HELP {name} {text}", f"# TYPE {name} {kind}", f"{name} {value:g}")
