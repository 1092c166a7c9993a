"""A software made of a few lines of sh, so that what is measured is the product and not redis."""

import hashlib
from pathlib import Path
from typing import Any

from tests.testbeds.stack import Agent, Stack

_SCRIPTS = {
    "install.sh": ":\n",
    # The first instruction tells whoever reads the fifo that it was reached.
    "start.sh": '[ -z "$FIFO" ] || echo started >"$FIFO"\nsetsid sleep 100000 >/dev/null 2>&1 & echo $! >pid\n',
    "stop.sh": 'read -r pid <pid && kill "$pid"; rm -f pid\n',
    "check.sh": """[ -s pid ] && code=0 || code=1; echo '{"code":"'$code'","msg":"looked"}'\n""",
    "uninstall.sh": ":\n",
}


def publish(repo: Path) -> None:
    """Writes the scripts and their sums where a controller serves `repo`."""
    folder = repo / "sleeper"
    folder.mkdir(parents=True)
    for name, text in _SCRIPTS.items():
        (folder / name).write_text(text)
    sums = (f"{hashlib.sha256(text.encode()).hexdigest()}  {name}\n" for name, text in _SCRIPTS.items())
    (folder / "SHA256SUMS").write_text("".join(sums))


def sleeper(stack: Stack, agent: Agent, name: str, **metadata: str) -> dict[str, Any]:
    """The create body of one instance of it."""
    scripts = {action: f"{action}.sh" for action in ("install", "start", "stop", "check", "uninstall")}
    app = {"repo_url": f"{stack.url}/repo/sleeper/", **scripts, "metadata": metadata}
    return {"name": name, "host": [{"ip": "127.0.0.1", "agent_port": agent.port}], "app": app}
