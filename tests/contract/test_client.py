"""The client knows nothing of the controller but the API's document: what it reads is in there, and always answered."""

from pathlib import Path

from paas_client import app_models, models, ports, registry, tenants
from tests.controller.shell import Shell

READ = {
    models.Status: "StatusShown", models.InstanceStatus: "InstanceStatus", models.Listed: "InstanceListed",
    models.Progress: "ProgressShown", models.Operation: "OperationShown", models.Member: "MemberShown",
    models.App: "AppShown", models.Record: "Record", models.Told: "Told", models.Step: "StepShown",
    models.Plan: "Rehearsed", models.Event: "EventShown", models.StatusChange: "ChangeShown",
    models.LogPiece: "LogPiece", registry.JoinToken: "JoinToken", registry.Host: "HostWithMembers",
    registry.Draining: "DrainingShown", registry.Pending: "PendingShown",
    registry.Bootstrap: "BootstrapShown",
    registry.Upgrade: "UpgradeShown", registry.UpgradePlan: "UpgradePlan", registry.LeftOut: "LeftOut",
    registry.Holder: "Holder", registry.Issued: "Issued", registry.Deed: "Audited",
    app_models.ExposedPort: "ExposedPort", app_models.KubeApp: "KubeAppShown", app_models.Share: "ShareShown",
    app_models.Usage: "Usage", app_models.Component: "ComponentShown", app_models.AppInstance: "AppInstanceShown",
    app_models.Pod: "PodShown", app_models.Happening: "HappeningShown", tenants.Tenant: "TenantShown",
    ports.PortHost: "PortHostShown", ports.Port: "PortShown", ports.PortPool: "PortPoolWithPorts",
    ports.FreePorts: "FreePorts", ports.Stretch: "StretchShown",
    ports.ReservedPort: "ReservedPort", ports.Reservation: "ReservationShown",
}  # fmt: skip
"""What the client calls an answer, and the document."""
BEYOND = {models.Event: {"kind", "name"}}
"""What is not in these schemas: the words that the stream of events adds."""


async def test_what_the_client_reads_is_in_the_document(tmp_path: Path) -> None:
    shell = Shell(tmp_path / "data")
    await shell.start()
    schemas = (await shell.get("//openapi.json")).body["components"]["schemas"]
    await shell.stop()
    for model, name in READ.items():
        fields = {field.alias or name: field for name, field in model.model_fields.items()}
        assert fields.keys() - BEYOND.get(model, set()) <= schemas[name]["properties"].keys(), name
        assert {key for key, field in fields.items() if field.is_required()} <= set(schemas[name]["required"]), name


def test_every_answer_that_the_client_knows_is_compared() -> None:
    found = (each for module in (app_models, models, ports, registry, tenants) for each in vars(module).values())
    known = {each for each in found if isinstance(each, type) and issubclass(each, models.Answer)}
    assert {each for each in known if not issubclass(each, models.Page)} - {models.Answer} == READ.keys()
