"""paas-agent: arguments -> settings -> app."""

import asyncio
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from paas_agent import app, keys, logs
from paas_agent.membership import JoinFailed, load
from paas_agent.process import keep_inherited
from paas_agent.settings import BadSetting, Settings, read
from paas_agent.upgrade.places import Anchor, Places

UPGRADE = "upgrade-apply"


def main() -> None:
    """The command paas-agent: 0 when all went well, 1 when it did not, 2 when it was called wrongly."""
    if sys.argv[1:] == [keys.COMMAND]:
        keys.print_new()
        return
    if sys.argv[1:] == [UPGRADE]:
        sys.exit(_upgrade())
    try:
        settings = read(sys.argv[1:], os.environ)
        logs.set_up(settings.log_level)
        keep_inherited()
        asyncio.run(_command(settings))
    except BadSetting as error:
        sys.exit(_say(error, 2))
    except (JoinFailed, app.AlreadyRunning, OSError) as error:
        sys.exit(_say(error, 1))
    except KeyboardInterrupt:
        sys.exit(130)


async def _command(settings: Settings) -> None:
    if settings.command == "run":
        await app.run(settings, load(settings.work_dir))
        return
    from paas_agent.join import join  # noqa: PLC0415 - one that runs does without

    folder = settings.work_dir
    with _as_its_owner(folder), app.alone(folder) if folder.is_dir() else nullcontext():
        membership = await join(settings)
    places = Places()
    if os.geteuid() == 0 and folder == places.spool.parent and membership.ca:
        places.trust(Anchor(host=membership.host, ca=membership.ca))
    print(f"joined {membership.controller} as {membership.host}")


@contextmanager
def _as_its_owner(folder: Path) -> Iterator[None]:
    """Root writes as the agent's user where that one may do as it likes: so no link leads it anywhere else."""
    found = folder.stat() if folder.is_dir() and os.geteuid() == 0 else None
    if found:
        os.setegid(found.st_gid)
        os.seteuid(found.st_uid)
    try:
        yield
    finally:
        if found:
            os.seteuid(0)
            os.setegid(0)


def _upgrade() -> int:
    """Root's part of an upgrade; the unit says for how long the new version is waited for."""
    from paas_agent.upgrade.course import apply  # noqa: PLC0415 - one that runs does without
    from paas_agent.upgrade.machine import Machine, NotInstalled  # noqa: PLC0415

    logs.set_up("INFO")
    try:
        apply(Places(), Machine(float(os.environ.get("PATIENCE", "60"))))
    except (NotInstalled, OSError, ValueError) as error:
        return _say(error, 1)
    return 0


def _say(error: Exception, code: int) -> int:
    print(f"paas-agent: {error}", file=sys.stderr)
    return code


if __name__ == "__main__":
    main()
