"""The commands' work, a module for each of the name of its command.

They know behaviours by what `fixtures.behaviour.discover` finds, and none by its name.
"""
