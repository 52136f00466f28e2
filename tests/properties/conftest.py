"""The same examples in every run: a failure is found by all or by nobody."""

from hypothesis import settings

settings.register_profile("marvel", derandomize=True, deadline=None, database=None)
settings.load_profile("marvel")
