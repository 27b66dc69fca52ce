"""Shared fixtures; hypothesis runs the same examples every time, so a failure is never a flake."""

from hypothesis import settings

settings.register_profile("hearthgrid", derandomize=True, deadline=None, max_examples=50)
settings.load_profile("hearthgrid")
