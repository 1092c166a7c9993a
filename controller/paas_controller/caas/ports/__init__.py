"""Ports by which what runs is reached from outside: pools, what is given of them, and what is reserved.

The database is the truth: a port is given where a row of it could be added, and its key is cluster, host and port.
"""
