"""A run in clusters that somebody else has: what it touches, and what it leaves."""
