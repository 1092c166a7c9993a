"""Where things are kept: one engine, one writer, many readers. SQL of a room stands in that room's `tables.py`."""
