"""`paasctl token`: who may speak to the controller."""

from enum import StrEnum
from typing import Annotated

import typer

from paas_client import show
from paas_client.commands.asking import Hints, asker
from paas_client.commands.naming import holder_names, known_holders, near_hints, tenant_names
from paas_client.commands.options import DryRunOption
from paas_client.commands.planning import sent, show_plan, show_told
from paas_client.errors import Conflict
from paas_client.models import Plan

app = typer.Typer(no_args_is_help=True, help="The tokens of people and programs; agents get theirs by joining.")


class Role(StrEnum):
    """What a token is good for."""

    administrator = "administrator"
    operator = "operator"
    viewer = "viewer"


Holder = Annotated[str, typer.Argument(metavar="NAME", help="Whose token.", autocompletion=holder_names)]
RoleOption = Annotated[
    Role, typer.Option("--role", help="A viewer reads, an operator changes, an administrator gives tokens as well.")
]

TenantOption = Annotated[
    str,
    typer.Option(
        "--tenant", metavar="TENANT", autocompletion=tenant_names,
        help="Good for the apps of this tenant alone; for an operator or a viewer.",
    ),
]  # fmt: skip


@app.command()
def create(
    context: typer.Context,
    name: Holder,
    role: RoleOption,
    tenant: TenantOption = "",
    dry_run: DryRunOption = False,
    form: show.FormOption = show.Form.table,
) -> None:
    """Give somebody a token, which is shown this once.

    The token stands alone on stdout; the rest goes to stderr.
    """
    hints: Hints = {Conflict: f"withdraw it first: paasctl token delete {name}"}
    issued = asker(context).ask(
        lambda client: sent(client.tokens.create(name, role.value, tenant), dry_run=dry_run), hints
    )
    if isinstance(issued, Plan):
        return show_plan(issued, form)
    show.answer(form, issued.document(), lambda: print(issued.token))
    return show.note(f"{issued.name} is to put it into PAAS_TOKEN, or into the configuration file")


@app.command("list")
def all_holders(context: typer.Context, form: show.FormOption = show.Form.table) -> None:
    """List who has a token, its role, and the tenant for whose apps alone it is good."""
    holders = asker(context).ask(lambda client: client.tokens.all())
    rows = [(holder.name, holder.role, holder.tenant or "-") for holder in holders]
    show.answer(form, [holder.document() for holder in holders], lambda: show.table(("NAME", "ROLE", "TENANT"), rows))


@app.command()
def delete(
    context: typer.Context, name: Holder, dry_run: DryRunOption = False, form: show.FormOption = show.Form.table
) -> None:
    """Withdraw somebody's token at once. The last administrator's stays."""
    other: Hints = {Conflict: "make another one: paasctl token create NAME --role administrator"}
    hints: Hints = {**near_hints(name, known_holders, "paasctl token list"), **other}
    show_told(asker(context).ask(lambda client: sent(client.tokens.delete(name), dry_run=dry_run), hints), form)
