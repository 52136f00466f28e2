"""The same examples in every run: a failure is found by all or by nobody.

HYPOTHESIS_PROFILE=fuzz draws others in each run, and very many.
"""

import os

from hypothesis import settings

settings.register_profile("marvel", derandomize=True, deadline=None, database=None)
settings.register_profile("fuzz", deadline=None, database=None, max_examples=20_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "marvel"))
