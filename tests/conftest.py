"""For all tests here: a generated example may take its time, as a busy machine gives it little."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
