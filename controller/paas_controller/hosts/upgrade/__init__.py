"""Agents are brought up to date: one host first, then in batches, each behind a gate.

`course` is pure. What root does on a host is written in `paas_agent.upgrade`; here it is signed, offered and watched.
"""
