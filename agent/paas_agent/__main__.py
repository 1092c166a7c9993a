"""paas-agent: arguments -> settings -> app."""

import asyncio
import os
import sys
from contextlib import nullcontext

from paas_agent import app, keys, logs
from paas_agent.membership import JoinFailed, load
from paas_agent.process import keep_inherited
from paas_agent.settings import BadSetting, Settings, read


def main() -> None:
    """The command paas-agent: 0 when all went well, 1 when it did not, 2 when it was called wrongly."""
    if sys.argv[1:] == [keys.COMMAND]:
        keys.print_new()
        return
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

    with app.alone(settings.work_dir) if settings.work_dir.is_dir() else nullcontext():
        membership = await join(settings)
    print(f"joined {membership.controller} as {membership.host}")


def _say(error: Exception, code: int) -> int:
    print(f"paas-agent: {error}", file=sys.stderr)
    return code


if __name__ == "__main__":
    main()
