"""The agent, installed over SSH: in named phases, each failure a sentence, tried again until it is there.

`progress`, `hostkeys`, `inspection` and `recipe` are pure; `ssh` alone knows paramiko.
"""
