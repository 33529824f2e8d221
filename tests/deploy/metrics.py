"""Lints a scrape on standard input: OpenMetrics by the strict parser of Prometheus's own client, and the naming rules of
Prometheus's documentation."""

import re
import sys

from prometheus_client.openmetrics.parser import text_string_to_metric_families

# Base units alone, and no abbreviation of one.
NOT_BASE = {"milliseconds", "ms", "microseconds", "us", "minutes", "hours", "days", "kilobytes", "kb", "mb", "percent", "sec", "secs"}
TYPES = {"counter", "gauge", "histogram", "summary", "total"}

problems = []
families = list(text_string_to_metric_families(sys.stdin.read()))
for family in families:
    def wrong(what):
        problems.append(f"{family.name}: {what}")

    words = family.name.split("_")
    if not re.fullmatch(r"portolan(_[a-z][a-z0-9]*)+", family.name):
        wrong("not lower case words after the prefix portolan")
    if not family.documentation.strip():
        wrong("no help")
    if family.type == "unknown":
        wrong("no type")
    if NOT_BASE.intersection(words):
        wrong("not a base unit")
    if TYPES.intersection(words):
        wrong("its type is in its name")
    if family.type == "counter" and not all(s.name.endswith(("_total", "_created")) for s in family.samples):
        wrong("a counter's samples end with _total")
    if "timestamp" in words and not family.name.endswith("_timestamp_seconds"):
        wrong("a timestamp is in seconds since 1970, and ends with _timestamp_seconds")
    for sample in family.samples:
        for label in sample.labels:
            if not re.fullmatch(r"[a-z][a-z_]*", label):
                wrong(f"label {label}")
            if label in words:
                wrong(f"label {label} is in the name as well")
        if family.type == "counter" and sample.value < 0:
            wrong("a counter below 0")
    if len({tuple(sorted(s.labels)) for s in family.samples if not s.name.endswith(("_bucket", "_sum", "_count"))}) > 1:
        wrong("samples with different sets of labels")

if not families:
    problems.append("no metric at all")
print("\n".join(problems))
sys.exit(1 if problems else 0)
