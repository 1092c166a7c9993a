"""A tenant and its tokens, for tests."""

from tests.controller.shell import Shell

TENANTS = "//api/v1/tenants"


async def tenants_token(shell: Shell, role: str = "operator", tenant: str = "shop") -> str:
    """The token of shop-operator, or whatever tenant and role they are; the tenant is made where there is none."""
    await shell.post(TENANTS, {"name": tenant})
    issued = await shell.post("/tokens", {"name": f"{tenant}-{role}", "role": role, "tenant": tenant})
    assert issued.status == 201, issued.body
    return str(issued.body["token"])
