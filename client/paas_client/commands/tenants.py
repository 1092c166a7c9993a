"""`paasctl tenant`: who has apps of their own."""

from typing import Annotated

import typer

from paas_client import show
from paas_client.commands.asking import Hints, asker
from paas_client.commands.naming import known_tenants, near_hints, tenant_names
from paas_client.commands.options import DryRunOption
from paas_client.commands.planning import sent, show_plan, show_told
from paas_client.errors import Conflict
from paas_client.models import Plan

app = typer.Typer(no_args_is_help=True, help="The tenants: companies and teams that have apps of their own.")

NewTenant = Annotated[str, typer.Argument(metavar="NAME", help="1 to 40 of a-z, 0-9 and -.")]
Tenant = Annotated[str, typer.Argument(metavar="NAME", help="Which tenant.", autocompletion=tenant_names)]


@app.command()
def create(
    context: typer.Context, name: NewTenant, dry_run: DryRunOption = False, form: show.FormOption = show.Form.table
) -> None:
    """Make a tenant; tokens that are good for its apps alone come from paasctl token create --tenant."""
    hints: Hints = {Conflict: "see which there are: paasctl tenant list"}
    made = asker(context).ask(lambda client: sent(client.tenants.create(name), dry_run=dry_run), hints)
    if isinstance(made, Plan):
        return show_plan(made, form)
    show.answer(form, made.document(), lambda: show.lines([f"{made.name}: it is there"]))
    return show.note(f"give somebody a token for it: paasctl token create NAME --role operator --tenant {made.name}")


@app.command("list")
def all_tenants(context: typer.Context, form: show.FormOption = show.Form.table) -> None:
    """List the tenants."""
    tenants = asker(context).ask(lambda client: client.tenants.all())
    rows = [(tenant.name, show.moment(tenant.created_at)) for tenant in tenants]
    show.answer(form, [tenant.document() for tenant in tenants], lambda: show.table(("NAME", "SINCE"), rows))


@app.command()
def delete(
    context: typer.Context, name: Tenant, dry_run: DryRunOption = False, form: show.FormOption = show.Form.table
) -> None:
    """Delete a tenant that has nothing left, and withdraw its tokens at once."""
    hints = near_hints(name, known_tenants, "paasctl tenant list")
    show_told(asker(context).ask(lambda client: sent(client.tenants.delete(name), dry_run=dry_run), hints), form)
