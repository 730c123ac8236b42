"""Holds requests as they go over the wire against AWS's own service models, as botocore ships them.

Usage: models.py FILE...    each file holds requests, one parameter a line as `key=value`, the first of each
`Action=`, up to a line `---`; what precedes the first one is skipped (the header of a snapshot). Of an API in
JSON the only parameter is `Body`.

A parameter that the model does not know, one that it requires and that is missing, a value of another type, and
one outside the enumeration, pattern or range of the model are errors.
"""

import json
import re
import sys

import botocore.session
import botocore.validate

SERVICES = ("elbv2", "ec2", "acm")
SESSION = botocore.session.get_session()
MODELS = {name: SESSION.get_service_model(name) for name in SERVICES}


def requests(path):
    """The requests of a file, each a list of pairs."""
    request = []
    for line in open(path, encoding="utf-8").read().splitlines():
        if line.startswith("Action="):
            if request:
                yield request
            request = []
        if not request and not line.startswith("Action="):
            continue
        if line == "---":
            break
        if line:
            request.append(tuple(line.split("=", 1)))
    if request:
        yield request


def wire_name(model, member, shape):
    """The name of a member on the wire (the query protocol, and that of EC2)."""
    serialization = shape.serialization
    if model.metadata["protocol"] != "ec2":
        return serialization.get("name", member)
    if "queryName" in serialization:
        return serialization["queryName"]
    name = serialization.get("name", member)
    return name[0].upper() + name[1:]


def parse(model, shape, prefix, flat):
    """Takes the value of a shape out of flat parameters; None if there is none."""
    if shape.type_name == "structure":
        dot = f"{prefix}." if prefix else ""
        members = {
            name: parse(model, member, dot + wire_name(model, name, member), flat)
            for name, member in shape.members.items()
            if not prefix or any(key.startswith(dot + wire_name(model, name, member)) for key in flat)
        }
        members = {name: value for name, value in members.items() if value is not None}
        return members or None
    if shape.type_name == "list":
        is_flat = model.metadata["protocol"] == "ec2" or shape.serialization.get("flattened")
        items = []
        while True:
            place = f"{prefix}.{len(items) + 1}" if is_flat else f"{prefix}.member.{len(items) + 1}"
            item = parse(model, shape.member, place, flat)
            if item is None:
                return items or None
            items.append(item)
    return scalar(shape, flat.pop(prefix, None))


def scalar(shape, text):
    if text is None or shape.type_name in ("string", "timestamp", "blob"):
        return text
    if shape.type_name == "boolean":
        return {"true": True, "false": False}.get(text, text)
    try:
        return float(text) if shape.type_name in ("float", "double") else int(text)
    except ValueError:
        return text


def constraints(shape, value, place):
    """What botocore's own validation leaves to the service: enumerations, patterns, upper bounds."""
    if shape.type_name == "structure" and isinstance(value, dict):
        for name, member in value.items():
            if name not in shape.members:
                yield f"{place}.{name}={member} is no parameter"
                continue
            yield from constraints(shape.members[name], member, f"{place}.{name}")
    elif shape.type_name == "list" and isinstance(value, list):
        for index, item in enumerate(value):
            yield from constraints(shape.member, item, f"{place}[{index}]")
    size = value if isinstance(value, (int, float)) else len(value)
    most = shape.metadata.get("max")
    if most is not None and size > most:
        yield f"{place}: {value!r} is more than {most}"
    if isinstance(value, str):
        words = shape.metadata.get("enum")
        if words and value not in words:
            yield f"{place}: {value!r} is none of {words}"
        pattern = python_pattern(shape.metadata.get("pattern"))
        if pattern and not re.fullmatch(pattern, value):
            yield f"{place}: {value!r} does not match {pattern}"


def python_pattern(pattern):
    """Java's classes of Unicode characters as Python has them, near enough for what we send."""
    for java, python in ((r"\p{L}", "A-Za-z\u00c0-\uffff"), (r"\p{Z}", r"\s"), (r"\p{N}", r"\d")):
        pattern = pattern.replace(java, python) if pattern else pattern
    return pattern


def problems(request):
    flat = dict(request)
    action = flat.pop("Action")
    flat.pop("Version", None)
    model = next((model for model in MODELS.values() if action in model.operation_names), None)
    if model is None:
        return [f"{action} is no action of {' or '.join(SERVICES)}"]
    shape = model.operation_model(action).input_shape
    if model.metadata["protocol"] == "json":
        value = json.loads(flat.pop("Body"))
    else:
        value = parse(model, shape, "", flat) or {}
    found = [f"{action}: {key}={text} is no parameter" for key, text in flat.items()]
    report = botocore.validate.ParamValidator().validate(value, shape)
    if report.has_errors():
        found.append(f"{action}: {report.generate_report()}")
    return found + list(constraints(shape, value, action))


def main(paths):
    seen = set()
    failed = 0
    for path in paths:
        for request in requests(path):
            seen.add(request[0][1])
            for problem in problems(request):
                failed += 1
                print(f"{path}: {problem}")
    print(f"{len(seen)} actions, {failed} problems")
    return 1 if failed or not seen else 0


sys.exit(main(sys.argv[1:]))
