"""A machine of somebody else's: Docker, published images, no Go, an ordinary user.

docs/guest.md says how it is run, and what it shows.
"""
