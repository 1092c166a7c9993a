"""A network of hosts, each a Debian 12 with a systemd of its own: `python -m tests.testbeds.hosts up 4`.

How they are reached: the machine that runs the tests has one more network link, `paas0`, with the first address of
the hosts' net (`Bed.address`, 10.77.0.1). The test, its SSH client and a controller run as ever, in no namespace; a
controller that hosts shall reach listens on that address, and the link is where traffic can be captured. Its other end
is plugged into a bridge in a network namespace, `paas0-ctl`, and so is each host. Nothing can leave from there: neither
the hosts nor the bridge have a default route, and the bridge drops all but IPv4 for an address of the hosts' net,
whatever root on a host sets up and whatever this machine forwards.

A second bed at the same time, of another worker or another checkout, is `paas1` on 10.77.1.0/24, and so on.

    tree.sh       what each host is installed from, made once, kept in the user's cache
    machine.py    what this machine needs, and the sentence where it cannot have it
    disk.py       a host's disk: an overlay on that tree, in memory and of a limited size
    network.py    bridge, cables, and what is cut or dropped
    container.py  systemd-nspawn: boot, power off
    host.py       one host, in a test's words
    capture.py    what somebody on the way sees
    bed.py        a network with its hosts; what a killed run left is ended by the next one that starts
"""
