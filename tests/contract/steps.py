"""Reads the data files, and finds what is wrong with them before anything runs."""

import json
import re
from pathlib import Path

import boto3
import jmespath
import yaml

INCLUDES = Path(__file__).parent / "include"
ACTIONS = ("call", "advance", "app")
KINDS = ("error", "ok", "is", "has", "absent", "count", "matches")
VARIABLE = re.compile(r"\$\{(\w+)\}")

# What may be written where, and of which type.
FILE = {"about": str, "include": str, "moto": str, "why": str, "steps": list}
STEP = {"call": str, "with": dict, "by": str, "raw": bool, "times": int, "each": str, "paginate": dict, "save": dict, "expect": list,
        "advance": int, "app": dict, "moto": str, "why": str}
PAGINATE = {"key": str, "page": int}
EXPECTATION = {"error": (str, list), "ok": bool, "is": object, "has": (dict, list), "absent": bool, "count": int,
               "matches": str, "fact": str, "path": str, "message": str, "moto": str}


class Mistake(Exception):
    """A data file that cannot be run."""


def demand(condition, text):
    if not condition:
        raise Mistake(text)


def check_keys(value, types):
    demand(isinstance(value, dict), f"not a mapping: {value}")
    for key, item in value.items():
        demand(key in types, f"unknown key {key}")
        demand(isinstance(item, types[key]), f"{key} cannot be {item!r}")


def fill(value, variables):
    """The value with its variables replaced; {repeat: 3, of: x} is a list of three, counted by ${n}."""
    if isinstance(value, str):
        whole = VARIABLE.fullmatch(value)
        return variables[whole[1]] if whole else VARIABLE.sub(lambda found: str(variables[found[1]]), value)
    if isinstance(value, list):
        return [fill(item, variables) for item in value]
    if isinstance(value, dict) and value.keys() == {"repeat", "of"}:
        return [fill(value["of"], {**variables, "n": n + 1}) for n in range(value["repeat"])]
    if isinstance(value, dict):
        return {key: fill(item, variables) for key, item in value.items()}
    return value


def names_in(value):
    return set(VARIABLE.findall(json.dumps(value, default=str)))


def read(path):
    """The steps of a file and of what it includes, each with its label."""
    try:
        content = yaml.safe_load(path.read_text())
    except (OSError, yaml.YAMLError) as error:
        raise Mistake(f"{path}: {error}") from None
    try:
        check_keys(content, FILE)
        demand({"about", "steps"} <= content.keys(), "a file has `about` and `steps`")
    except Mistake as error:
        raise Mistake(f"{path}: {error}") from None
    included = read(INCLUDES / f"{content['include']}.yaml") if "include" in content else []
    prefix = f"{path.stem} " if path.parent == INCLUDES else ""
    steps = included + [(f"{prefix}{number}", step) for number, step in enumerate(content["steps"], 1)]
    whole = {key: content[key] for key in ("moto", "why") if key in content}
    return [(label, {**step, **whole} if isinstance(step, dict) else step) for label, step in steps]


def check(step, saved, server):
    """Finds what is wrong with a step before anything runs; `saved` are the variables so far."""
    check_keys(step, STEP)
    demand(sum(action in step for action in ACTIONS) == 1, f"exactly one of {', '.join(ACTIONS)}")
    demand(step.get("moto", "skip") == "skip" and ("moto" in step) == ("why" in step), "`moto: skip` goes with `why`")
    demand("paginate" not in step or "call" in step, "only calls have pages")
    if "call" in step:
        service, _, method = step["call"].partition(".")
        demand(service in boto3.Session().get_available_services(), f"unknown service {service}")
        demand(hasattr(server.client(service), method), f"{service} has no {method}")
    demand(not {"times", "each"} <= step.keys(), "either `times` or `each`")
    if "paginate" in step:
        check_keys(step["paginate"], PAGINATE)
        demand("key" in step["paginate"], "`paginate` names a `key`")
        demand(server.client(service).can_paginate(method), f"{service} has no pages of {method}")
    for expectation in step.get("expect", []):
        check_keys(expectation, EXPECTATION)
        demand("fact" in expectation, f"no fact: {expectation}")
        demand(sum(kind in expectation for kind in KINDS) == 1, f"exactly one of {', '.join(KINDS)}: {expectation}")
    for expression in [*step.get("save", {}).values(), *(e.get("path", "@") for e in step.get("expect", []))]:
        demand(isinstance(expression, str), f"not a path: {expression}")
        try:
            jmespath.compile(expression)
        except jmespath.exceptions.JMESPathError as error:
            raise Mistake(f"{expression}: {error}") from None
    counted = {"n", "each"} if "each" in step else {"n"}
    unknown = names_in([step.get(key) for key in ("with", "by", "app", "each", "save", "expect")]) - saved - counted
    demand(not unknown, f"no step before saves {', '.join(sorted(unknown))}")
    return saved | set(step.get("save", {})) | ({"pages"} if "paginate" in step else set())


def world(path, server, counts):
    """The steps of a file that are to be run, once everything in it has been checked."""
    steps, saved, saved_here = [], set(), set()
    for label, step in read(path):
        try:
            saved = check(step, saved, server)
            if server.is_moto and "moto" in step:
                counts["skipped"] += len(step.get("expect", []))
                continue
            saved_here = check(step, saved_here, server)
        except Mistake as error:
            raise Mistake(f"{path}: step {label}: {error}") from None
        steps.append((label, step))
    return path.name, steps
