"""The controller: what people expect beside what is there, and the loop that closes the difference.

Rooms on floors: a room imports the floors below it and never one above; `app` composes them.
"""

__version__ = "0.1.0"
