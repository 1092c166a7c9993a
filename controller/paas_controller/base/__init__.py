"""Errors, settings, clock, masking, crypto, logs: what every room stands on. Nothing here knows HTTP, SQL or a room."""
