"""The story: rows appended in the caller's own transaction, read back newest first."""
