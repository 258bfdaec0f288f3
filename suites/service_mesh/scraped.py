"""What a proxy tells Prometheus: the samples of one metric, each with its labels. Pure.

Source: Prometheus, "Exposition formats".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

_LABEL = re.compile(r'(?P<name>\w+)="(?P<value>(?:[^"\\]|\\.)*)"')


def samples(text: str, metric: str) -> Iterator[tuple[Mapping[str, str], int]]:
    """The labels and the count of each sample of a counter."""
    line = rf"^{re.escape(metric)}\{{(?P<labels>.*)\}} (?P<count>\d+)\r?$"
    for each in re.finditer(line, text, re.MULTILINE):
        labels = {label["name"]: label["value"] for label in _LABEL.finditer(each["labels"])}
        yield labels, int(each["count"])
