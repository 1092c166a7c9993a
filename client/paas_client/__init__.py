"""The typed client for portals, and paasctl for people. It speaks the HTTP API and imports neither program."""

__version__ = "0.1.0"
