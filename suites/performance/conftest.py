"""Fixtures of the performance practices."""
