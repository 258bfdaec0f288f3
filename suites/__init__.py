"""The behaviours, a package for each, and the commands that run them.

A package of this one that has a BEHAVIOUR is a behaviour; see CONTRIBUTING.md.
"""
