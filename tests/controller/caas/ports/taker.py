"""A program that takes ports, each in a transaction of its own, and prints them: `taker.py URL APP COUNT`. It begins
when it is told to.
"""

import sys

from sqlalchemy import create_engine, make_url

from paas_controller.base.clock import SystemClock
from paas_controller.caas.ports.choice import Claim
from paas_controller.caas.ports.service import Ports, Wanted


def main(url: str, app: str, count: int) -> None:
    engine, ports = create_engine(make_url(url).set(drivername="postgresql+psycopg")), Ports(SystemClock())
    with engine.connect():
        print("ready", flush=True)
        sys.stdin.readline()
    for number in range(count):
        wanted = Wanted("web", number)
        with engine.begin() as connection:
            taken = ports.take(connection, [wanted], Claim("here", app, f"{app}-{number}"), {})
        print(taken[wanted].port, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
