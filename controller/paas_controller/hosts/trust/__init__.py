"""Trust between the controller and its hosts: the small CA, enrolment, rotation, and who is refused.

`authority` and `sentences` are pure: no file, no socket, no clock of their own.
"""
