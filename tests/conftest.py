"""Random examples are the same in every run, so that a red run can be repeated; look for new ones with --hypothesis-seed."""

from hypothesis import settings

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")
