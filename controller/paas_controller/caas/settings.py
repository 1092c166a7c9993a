"""Which clusters there are, and how each is reached."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class ClusterSettings(BaseModel):
    """A Kubernetes cluster. Its kubeconfig is read at the first call, and again when its credentials are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    name: str = Field(pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")
    kubeconfig: Path
    context: str = Field("", description="of the kubeconfig; empty: its current one")
    address: str = Field("", description="host or address at which people reach its nodes")
    domain: str = Field("", description="below it each exported component has a name")
    external_ips: bool = Field(False, description="allow pools of external addresses; one tenant can catch another's")
    calls: int = Field(16, ge=1, le=256, description="requests to its API server at once")
