"""Writes docs/metrics.md from the meters of the controller: `python docs/metrics.py`."""

from pathlib import Path

from paas_controller.events import metrics as events
from paas_controller.hosts import metrics as hosts
from paas_controller.software import metrics as software
from paas_controller.web import metrics as web

PAGE = Path(__file__).with_suffix(".md")
METERS = (*software.METERS, *hosts.METERS, *web.METERS, *events.METERS)

INTRODUCTION = """\
# Metrics

`GET /metrics` of the controller answers in the Prometheus text format (OpenMetrics where it is preferred), to any
token. This page is generated from the controller's own meters: `python docs/metrics.py`.

No label holds the name of an instance, a host or a person: what `paas_instances` counts, `GET /database?drift=true` and
`GET /hosts` name. Counters begin anew when the controller starts. The usual `process_…` metrics stand beside these.
"""
WATCH = """\
## What to watch

| when | then |
|---|---|
| `paas_hosts{state="lost"} > 0` for minutes | an agent or its host is down: `GET /hosts` names it |
| `paas_members_held_back > 0` | a person is needed: `GET /database?realtime=failed` names where |
| `paas_members_in_drift` that does not fall | something waits; the record says for what |
| `rate(paas_operations_total{outcome!="succeeded"}[15m])` | scripts, packages or hosts fail; the operations say why |
| `paas_store_queue_length` that grows | the disk or the database is too slow |
| `rate(paas_http_requests_total{status=~"5.."}[5m]) > 0` | the controller's log says why, under the request's id |
| `paas_http_requests_total{status="401"}` that rises | somebody tries tokens, or an agent has lost its own |
"""


def page() -> str:
    """The whole page, in Markdown."""
    rows = ["| metric | type | labels | meaning |", "|---|---|---|---|"]
    for meter in METERS:
        labels = ", ".join(f"`{label}`" for label in meter.labels)
        rows.append(f"| `{meter.name}` | {meter.type} | {labels} | {meter.meaning} |")
    return "\n".join([INTRODUCTION, *rows, "", WATCH])


if __name__ == "__main__":
    PAGE.write_text(page())
