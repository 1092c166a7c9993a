"""Arguments and options that several commands share."""

from typing import Annotated

import typer

from paas_client.commands.naming import host_names, instance_names, words

Name = Annotated[
    str, typer.Argument(metavar="NAME", help="The name it was created with.", autocompletion=instance_names)
]
HostId = Annotated[
    str,
    typer.Argument(
        metavar="ID", help="ADDRESS:PORT of the agent, as in 192.168.19.100:3335.", autocompletion=host_names
    ),
]
OperationId = Annotated[str, typer.Argument(metavar="ID", help="The id of the operation.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=1000, help="How many, the newest first.")]
WaitOption = Annotated[bool, typer.Option("--wait", "-w", help="Wait until it is there, and show how it gets on.")]
WaitGoneOption = Annotated[bool, typer.Option("--wait", "-w", help="Wait until it is gone, and tell on what it waits.")]
TimeoutOption = Annotated[float, typer.Option("--timeout", min=0.1, help="With --wait: seconds to wait at most.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Only show the steps that would be taken.")]
FollowOption = Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes, until it has ended.")]

EXPECTATIONS = ("running", "stopped", "not-installed")
STATES = (
    *EXPECTATIONS, "failed", "unknow", "installing", "starting", "stopping", "restarting", "uninstalling",
)  # fmt: skip
ExpectFilter = Annotated[
    str, typer.Option("--expect", help="Only those with this expectation.", autocompletion=words(*EXPECTATIONS))
]
RealtimeFilter = Annotated[
    str, typer.Option("--realtime", help="Only those in this state.", autocompletion=words(*STATES))
]
LabelFilter = Annotated[
    list[str] | None,
    typer.Option("--label", "-l", metavar="KEY:VALUE", help="Only those with this label; with each, where repeated."),
]
HostFilter = Annotated[
    str, typer.Option("--host", metavar="ID", help="Only those on this host.", autocompletion=host_names)
]
DriftFilter = Annotated[bool, typer.Option("--drift", help="Only those that are not as they are expected to be.")]
