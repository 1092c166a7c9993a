"""The shell commands by which the agent comes onto a host. Pure: what comes from outside is quoted, here and in full.

No secret is in a command: the password of sudo and the join token are told on stdin.
"""

from dataclasses import dataclass
from shlex import quote

from paas_agent.manifest import Kind
from paas_controller.hosts.bootstrap.inspection import PACKAGED_USER

WORK_DIR = "/var/lib/paas-agent"
CACHE = "/var/cache/paas-agent"
KEPT = "/var/lib/paas-agent-upgrade/work"
MAKE_ROOM = "umask 077; mktemp -d /var/tmp/paas-agent.XXXXXXXXXX"
"""Prints a folder of the user's own, to upload into."""
LAST_WORDS = "journalctl --lines=1 --output=cat --no-pager _SYSTEMD_UNIT=paas-agent.service"
"""Prints what the agent has logged last."""
_DROP_IN = "/etc/systemd/system/paas-agent.service.d"
_INSTALL: dict[Kind, str] = {
    "deb": "DEBIAN_FRONTEND=noninteractive dpkg --install {file} </dev/null",
    "rpm": "rpm --upgrade --replacepkgs --oldpackage {file} </dev/null",
    "archive": f"rm -rf {CACHE}/unpacked; mkdir {CACHE}/unpacked; tar -xzf {{file}} -C {CACHE}/unpacked; "
    f"{CACHE}/unpacked/*/install",
}


@dataclass(frozen=True, slots=True)
class Login:
    """How commands become root's: as they are where root is logged in; `asks` is whether sudo wants the password."""

    root: bool
    asks: bool = False
    password: str = ""

    def command(self, script: str) -> str:
        """The line that runs a shell script as root."""
        # -k: what was typed a moment ago does not count, so that sudo asks always or never.
        return f"{'' if self.root else 'sudo -k -S -p ' + quote('') + ' '}sh -c {quote(script)}"

    def told(self, data: str = "") -> bytes:
        """What is told on stdin for it."""
        return (f"{self.password}\n{data}" if self.asks else data).encode()


@dataclass(frozen=True, slots=True)
class Joining:
    """As whom an agent joins which controller, and where it is reached: address and port."""

    runs_as: str
    controller: str
    plain_http: bool
    address: str
    port: str

    def script(self) -> str:
        """For root; the join token is the first line of its stdin. The unit runs as that user from then on."""
        user, at = quote(self.runs_as), f"[{self.address}]" if ":" in self.address else self.address
        listen = f"{'[::]' if ':' in self.address else '0.0.0.0'}:{self.port}"
        plain = " --plain-http" if self.plain_http else ""
        return f"""set -eu
cd /
IFS= read -r PAAS_AGENT_JOIN_TOKEN
export PAAS_AGENT_JOIN_TOKEN
systemctl stop paas-agent
{self._drop_in()}
systemctl daemon-reload
install -d -m 0700 {WORK_DIR}
[ "$(stat -c %U {WORK_DIR})" = {user} ] || chown -R {user}: {WORK_DIR}
paas-agent join --work-dir {WORK_DIR}{plain} --controller {quote(self.controller)} \\
    --listen {quote(listen)} --advertise {quote(f"{at}:{self.port}")} >/dev/null
unset PAAS_AGENT_JOIN_TOKEN
systemctl --quiet enable paas-agent
systemctl restart paas-agent 2>/dev/null || {{
    why=$({LAST_WORDS})
    echo "paas-agent does not start: ${{why:-it ended without a word; see systemctl status paas-agent there}}" >&2
    exit 1
}}
"""

    def _drop_in(self) -> str:
        if self.runs_as == PACKAGED_USER:
            return f"rm -f {_DROP_IN}/user.conf"
        return f"mkdir -p {_DROP_IN}; printf '[Service]\\nUser=%s\\n' {quote(self.runs_as)} >{_DROP_IN}/user.conf"


WHOSE = f"""cat {WORK_DIR}/agent.json 2>/dev/null |
sed -n 's/^ *"\\(controller\\|host\\)": "\\([^"]*\\)",*$/\\1 \\2/p'"""
"""For root: prints which host the agent there is, and of which controller; nothing else of what the file holds."""


def place(uploaded: str, name: str, sha256: str) -> str:
    """For root: takes over the file out of the user's folder, if it is what it should be; the folder goes."""
    part, folder = quote(f"{CACHE}/{name}.part"), quote(uploaded.rpartition("/")[0])
    return f"""set -eu
umask 022
mkdir -p {CACHE}
cp -- {quote(uploaded)} {part}
rm -rf -- {folder}
echo {quote(f"{sha256}  {CACHE}/{name}.part")} | sha256sum --check --status || {{
    rm -f {part}
    echo 'what arrived is not what was sent' >&2
    exit 1
}}
mv -f {part} {quote(f"{CACHE}/{name}")}
"""


def clear(folder: str) -> str:
    """Takes away the user's folder with whatever arrived."""
    return f"rm -rf -- {quote(folder)}"


def install(kind: Kind, name: str, version: str, *, works: bool) -> str:
    """For root: installs what was moved into place, over whatever is there. The file stays where an upgrade looks for
    what it would go back to. An agent that cannot start would keep its package from being installed.
    """
    file = quote(f"{CACHE}/{name}")
    return f"""set -eu
cd /
{"" if works else "systemctl stop paas-agent 2>/dev/null || true"}
{_INSTALL[kind].format(file=file)} >&2
mkdir -p {KEPT}
chmod 0700 {KEPT}
rm -f {KEPT}/kept-*
mv {file} {KEPT}/{quote(f"kept-{kind}-{version}")}
rm -rf {CACHE}
"""
