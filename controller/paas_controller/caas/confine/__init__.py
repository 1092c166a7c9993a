"""Templates of users, confined: only what is listed here goes through, and whatever else is refused with its path.

`shapes` are the means, `templates` is the door. The lists hold at least what Pod Security's level `baseline` asks for.
"""
