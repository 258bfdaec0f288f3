"""pytest's root: the plugin that every suite uses, and pytest's own for testing plugins."""

pytest_plugins = ["fixtures.plugin", "pytester"]
