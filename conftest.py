"""pytest's root: the plugins that every suite uses, and pytest's own for testing plugins."""

pytest_plugins = [
    "fixtures.plugin.options",
    "fixtures.plugin.reporting",
    "fixtures.plugin.session",
    "pytester",
]
