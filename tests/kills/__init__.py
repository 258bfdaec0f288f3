"""Runs that are killed at a drawn moment, and what `make down` leaves of them."""
