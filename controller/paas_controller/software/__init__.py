"""Databases and middleware on hosts: what is expected, what is there, and the loop that closes the difference.

The thinking (`states`, `transitions`, `decide`, `members`, `turns`, `gates`) does no I/O; the shell around it owns time
and queues.
"""
