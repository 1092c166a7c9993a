"""launch.py SOCKET ARGUMENT…: runs paasctl as forks.py does, with the descriptors, the environment and the folder of
this process; ends as it ends, and passes on what it is interrupted by.
"""

import json
import os
import signal
import socket
import sys

with socket.socket(socket.AF_UNIX) as call:
    call.connect(sys.argv[1])
    words = {"arguments": sys.argv[2:], "environment": dict(os.environ), "folder": os.getcwd()}
    socket.send_fds(call, [json.dumps(words).encode()], [0, 1, 2])
    for descriptor in (0, 1, 2):
        os.close(descriptor)
    answers = call.makefile()
    pid = int(answers.readline())
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: os.kill(pid, number))
    code = int(answers.readline())
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)
