"""The train's file as the guest has it: the digests are those of the images its registries hold.

The published images themselves are not in reach of a machine without any registry; what stands
in for them has the same names, tags and shape, and other digests. Nothing else is changed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from clusters.errors import VersionsError
from clusters.versions import Train

LINE = re.compile(
    r'^(?P<name>[\w-]+) = \{ reference = "(?P<reference>[^"]*)"'
    r'(, digest = "[^"]*")? \}(?P<more>.*)$',
    re.MULTILINE,
)


def rewritten(text: str, train: Train, digests: Mapping[str, str]) -> str:
    """The file's text with the digest of each image by its published name.

    Raises:
        VersionsError: there is no digest for one of its images, or it stands otherwise in the file.
    """
    done = []

    def replace(found: re.Match[str]) -> str:
        name = found["name"]
        reference = train.reference(name)
        if reference not in digests:
            raise VersionsError(
                f"a digest of {reference} in the guest's registries", seen=", ".join(digests)
            )
        done.append(name)
        pinned = f'reference = "{found["reference"]}", digest = "{digests[reference]}"'
        return f"{name} = {{ {pinned} }}{found['more']}"

    changed = LINE.sub(replace, text)
    if set(done) != set(train.images):
        missed = ", ".join(sorted(set(train.images) - set(done)))
        raise VersionsError(
            f"one line for each image in versions/{train.name}.toml", seen=f"not so: {missed}"
        )
    return changed
