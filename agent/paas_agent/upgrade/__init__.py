"""Upgrades from the controller. `taking` is the agent's side; all else runs as root, in a process of its own.

The agent fetches and leaves what it got in a spool. Root believes nothing of it: it goes by what only root may write.
"""
