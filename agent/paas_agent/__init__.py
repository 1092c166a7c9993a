"""The light agent on each host: fetches packages, runs scripts, checks, watches and reports.

Nothing of the controller may be imported here; the controller in turn imports what goes over the wire and nothing else:
`contract`, `manifest`, `frames`.
"""

__version__ = "0.1.0"
