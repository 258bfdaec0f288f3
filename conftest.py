"""pytest's root: the plugins that every suite uses, and pytest's own for testing plugins."""

pytest_plugins = ["fixtures.options", "fixtures.reporting", "fixtures.plugin", "pytester"]
