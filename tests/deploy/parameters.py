"""Holds JSON files against the model of an AWS operation's input: SERVICE OPERATION FILE, three by three."""

import json
import sys

import botocore.session
from botocore.validate import ParamValidator


def problems(service, operation, path):
    model = botocore.session.get_session().get_service_model(service)
    shape = model.operation_model(operation).input_shape
    with open(path, encoding="utf-8") as file:
        given = json.load(file)
    # Members that the model does not know are refused as well.
    report = ParamValidator().validate(given, shape)
    return report.generate_report() if report.has_errors() else ""


words = sys.argv[1:]
assert words and len(words) % 3 == 0, __doc__
found = [
    f"{path}: {problem}"
    for service, operation, path in zip(words[0::3], words[1::3], words[2::3])
    if (problem := problems(service, operation, path))
]
print("\n".join(found))
sys.exit(1 if found else 0)
