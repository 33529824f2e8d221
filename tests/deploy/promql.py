"""Reads PromQL expressions, a line of standard input each, and prints what each selects: a line of JSON with the metric,
the labels that are matched, and the labels that the expression groups by."""

import json
import sys

import promql_parser as promql


def children(node):
    for name in ("lhs", "rhs", "expr", "param", "vector_selector"):
        child = getattr(node, name, None)
        if child is not None and not isinstance(child, (str, int, float)):
            yield child
    yield from getattr(node, "args", None) or []


def visit(node, metrics, labels, grouped):
    if isinstance(node, promql.VectorSelector):
        metrics.add(node.name or "")
        labels.update(matcher.name for matcher in node.matchers.matchers)
    if isinstance(node, promql.AggregateExpr) and node.modifier is not None:
        grouped.update(node.modifier.labels)
    for child in children(node):
        visit(child, metrics, labels, grouped)


for line in sys.stdin.read().splitlines():
    metrics, labels, grouped = set(), set(), set()
    visit(promql.parse(line), metrics, labels, grouped)
    print(json.dumps({"metrics": sorted(metrics), "labels": sorted(labels), "grouped": sorted(grouped)}))
