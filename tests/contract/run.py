#!/usr/bin/env python3
"""Holds a server against what AWS really does: python run.py --endpoint URL --against sandbox|moto FILE.yaml...

One line of JSON on stdout for each assertion. Ends with 0 if all are as expected, 1 if not, 2 if a file is broken.
"""

import argparse
import json
import re
import sys
import urllib.request
from collections import Counter
from functools import cache
from pathlib import Path

import boto3
import jmespath
from botocore.config import Config
from botocore.exceptions import ClientError, ParamValidationError

from steps import KINDS, Mistake, fill, world

class Refused(Exception):
    """A call that did not succeed: the code and the message of the error."""


class Server:
    """The server under test."""

    def __init__(self, endpoint, against):
        self.endpoint, self.is_moto = endpoint.rstrip("/"), against == "moto"

    @cache
    def client(self, service, raw=False, key="contract"):
        config = Config(retries={"total_max_attempts": 1}, parameter_validation=not raw, read_timeout=60)
        return boto3.client(service, endpoint_url=self.endpoint, region_name="eu-west-1", config=config,
                            aws_access_key_id=key, aws_secret_access_key="contract")

    def post(self, path, body=None):
        data = json.dumps(body).encode() if body else b""
        request = urllib.request.Request(self.endpoint + path, data, {"Content-Type": "application/json"})
        try:
            urllib.request.urlopen(request, timeout=60).read()
        except OSError as error:
            raise Refused(f"POST {path}", str(error)) from None

    def reset(self):
        self.post("/moto-api/reset" if self.is_moto else "/_sandbox/reset")

    def do(self, step, parameters):
        """What a step answers, as plain data."""
        if "advance" in step:
            return None if self.is_moto else self.post(f"/_sandbox/advance?seconds={step['advance']}")
        if "app" in step:
            return None if self.is_moto else self.post("/_sandbox/app", parameters)
        service, method = step["call"].split(".")
        client = self.client(service, step.get("raw", False), step.get("by", "contract"))
        try:
            if "paginate" in step:
                answer = merged(client.get_paginator(method), step["paginate"], parameters)
            else:
                answer = getattr(client, method)(**parameters)
        except ParamValidationError as error:
            raise Mistake(f"{error} (raw: true sends it all the same)") from None
        except ClientError as error:
            raise Refused(error.response["Error"]["Code"], error.response["Error"].get("Message", "")) from None
        except Exception as error:  # an answer that botocore cannot read is the server's fault, whatever it trips over
            raise Refused(type(error).__name__, str(error)) from None
        answer.pop("ResponseMetadata", None)
        return json.loads(json.dumps(answer, default=str))


def merged(paginator, paginate, parameters):
    pages = list(paginator.paginate(**parameters, PaginationConfig={"PageSize": paginate.get("page")}))
    key = paginate["key"]
    return {key: [item for page in pages for item in page.get(key, [])], "pages": len(pages)}


def holds(wanted, got):
    """Whether everything that is wanted is there; more may be."""
    if isinstance(wanted, dict):
        return isinstance(got, dict) and all(key in got and holds(item, got[key]) for key, item in wanted.items())
    if isinstance(wanted, list):
        return isinstance(got, list) and all(any(holds(item, one) for one in got) for item in wanted)
    return wanted == got


def judge(expectation, answer, refused):
    """Whether an expectation is met, and what there was instead."""
    kind = next(kind for kind in KINDS if kind in expectation)
    wanted = expectation[kind]
    if refused:
        code, message = refused.args
        codes = wanted if isinstance(wanted, list) else [wanted]
        as_wanted = code in codes if kind == "error" else kind == "ok" and not wanted
        return as_wanted and expectation.get("message", "").lower() in message.lower(), f"{code}: {message}"
    if kind in ("error", "ok"):
        return kind == "ok" and wanted, "success"
    got = jmespath.search(expectation.get("path", "@"), answer)
    if kind == "absent":
        return (got is None) == wanted, got
    if kind == "count":
        return isinstance(got, (list, dict)) and len(got) == wanted, got
    if kind == "matches":
        return got is not None and re.search(wanted, str(got)) is not None, got
    return (got == wanted if kind == "is" else holds(wanted, got)), got


def run(name, steps, server):
    """Runs the steps of a file in a fresh world; yields what each assertion came to."""
    server.reset()
    variables = {}
    for label, step in steps:
        label = f"{label} {step.get('call', '')}".strip()
        answer = refused = None
        try:
            for n, each in enumerate(fill(step["each"], variables) if "each" in step else range(step.get("times", 1)), 1):
                variables |= {"n": n, "each": each}
                by = {"by": fill(step["by"], variables)} if "by" in step else {}
                answer = server.do(step | by, fill(step.get("app", step.get("with", {})), variables))
            for name, path in step.get("save", {}).items():
                found = jmespath.search(fill(path, variables), answer)
                if found is None:
                    yield label, "set-up", f"saves {name}", False, path, answer
                else:
                    variables[name] = found
            if "paginate" in step:
                variables["pages"] = answer["pages"]
        except Refused as error:
            refused = error
        except KeyError as error:
            refused = Refused("NotRun", f"an earlier step should have saved {error}")
        except Mistake as error:
            raise Mistake(f"{name}: step {label}: {error}") from None
        if refused and "expect" not in step:
            yield label, "set-up", "succeeds", False, "success", "{}: {}".format(*refused.args)
        for expectation in step.get("expect", []):
            kind = next(kind for kind in KINDS if kind in expectation)
            try:
                expectation = fill(expectation, variables)
                met, got = judge(expectation, answer, refused)
            except KeyError as error:
                met, got = False, f"an earlier step should have saved {error}"
            what, note = f"{expectation.get('path', 'call')} {kind}", expectation.get("moto")
            if server.is_moto and note:
                met, got, what = not met, "moto agrees now: remove the note" if met else got, f"{what} (not moto: {note})"
            wanted = expectation[kind] if "message" not in expectation else f"{expectation[kind]}: {expectation['message']}"
            yield label, expectation["fact"], what, met, wanted, got


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--against", required=True, choices=["sandbox", "moto"])
    parser.add_argument("files", nargs="+", type=Path)
    arguments = parser.parse_args()
    server, counts = Server(arguments.endpoint, arguments.against), Counter()
    try:
        for name, steps in [world(path, server, counts) for path in arguments.files]:
            for step, fact, what, ok, expected, got in run(name, steps, server):
                counts["failed" if not ok else "differ as noted" if "(not moto: " in what else "agree"] += 1
                print(json.dumps({"file": name, "step": step, "fact": fact, "what": what, "ok": ok,
                                  "expected": expected, "got": got}), flush=True)
    except Mistake as error:
        print(error, file=sys.stderr)
        return 2
    except Refused as error:
        print("{}: {}".format(*error.args), file=sys.stderr)
        return 1
    print(", ".join(f"{count} {what}" for what, count in sorted(counts.items())), file=sys.stderr)
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
