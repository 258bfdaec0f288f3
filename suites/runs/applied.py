"""What a suite applies that is known before it is asked. It reads; it writes nothing."""

from __future__ import annotations

import ast
from typing import Any

from fixtures.behaviour import Behaviour
from fixtures.manifests import Manifests


def stems(behaviour: Behaviour[Any], manifests: Manifests) -> list[str]:
    """The manifests that a behaviour's requirements apply: it names them by the stems of their
    files, and nowhere else do these words stand in its code."""
    constants = {
        node.value
        for path in behaviour.folder.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    named = (*behaviour.early, *behaviour.documents)
    return sorted({*named, *(stem for stem in manifests.documents if stem in constants)})
