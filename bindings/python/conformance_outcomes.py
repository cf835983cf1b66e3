"""What a call of a scenario gave, held against what its step expects."""

import re

EARLY_S, LATE_S = 0.005, 5


class Failed(Exception):
    """Why a scenario failed."""


def check(holds, why, *parts):
    if not holds:
        raise Failed(why % parts)


def given_of(do, value):
    """What a call gave, by what the expectations call it."""
    if do in ("set", "add", "del", "rev", "revision", "rollback", "proclaim"):
        return {"rev": value}
    if do in ("lock", "try_lock", "read_lock", "write_lock", "semaphore", "register"):
        return {"rev": value.rev if value else 0}
    if do == "elect":
        return {"rev": value.token}
    if do == "txn":
        revs = [rev or 0 for rev in value]
        return {"revs": revs, "rev": revs[-1] if revs else 0}
    if do == "held":
        return {"held": value}
    if do in ("files", "changed"):
        return {"names": list(value), "values": [file.value for file in value.values()]}
    if do == "stat":
        return {"rev": value.rev, "len": value.len}
    if do == "getdir":
        return {"names": value}
    if do in ("walk", "list"):
        return {"names": [entry.path for entry in value], "values": [entry.value for entry in value]}
    if do == "self":
        return {"text": value}
    if do in ("get", "get_local", "wait", "next"):
        more = {"path": value.path, "change": value.kind} if hasattr(value, "kind") else {}
        return {"value": value.value, "rev": value.rev, **more}
    return {}


def check_time(begun, ended):
    late = begun["limited"] and ended.took > begun["timeout"] + LATE_S
    check(not late, "it took %.3f s", ended.took)


def check_error(step, begun, ended):
    error = ended.error
    check(error is not None, "it did not fail with %s, it gave %s", step["error"], ended.given)
    check(error.kind == step["error"], "it failed with another error: %s", error)
    op, path = step.get("error_op", begun["op"]), step.get("error_path", begun["path"])
    check((error.op, error.path) == (op, path), "its error names %s %s: %s", error.op, error.path, error)
    check(step.get("error_detail", "") in error.detail, "its error's detail lacks something: %s", error)
    part = error.part and "%s %d" % error.part
    check(step.get("error_part", part) == part, "its error names the part %s: %s", part, error)
    early = error.kind == "TIMEOUT" and begun["limited"] and ended.took + EARLY_S < begun["timeout"]
    check(not early, "it timed out after %.3f s", ended.took)


def check_given(step, begun, given, saved, member):
    """`saved` are the revisions that steps saved, `member` is the id of the embedded member, or None."""

    def words(key):
        return step[key].split() if key in step else None

    values, revs = words("expect_values"), words("expect_revs")
    count = len(given["names"]) if "names" in given else None
    for what, expected, found in [
        ("path", step.get("expect_path"), given.get("path")),
        ("change", step.get("expect_change"), given.get("change")),
        ("len", step.get("expect_len"), given.get("len")),
        ("revision", resolve(step["expect_rev"], saved) if "expect_rev" in step else None, given.get("rev")),
        ("revisions", revs if revs is None else [resolve(rev, saved) for rev in revs], given.get("revs")),
        ("value", value_of(step, "expect"), given.get("value")),
        ("names", words("expect_names"), given.get("names")),
        ("values", values if values is None else [value.encode() for value in values], given.get("values")),
        ("count", step.get("expect_count"), count),
        ("held", step.get("expect_held"), given.get("held")),
        ("id", member if "expect_member" in step else None, given.get("text")),
    ]:
        check(expected is None or expected == found, "%s: %.200r and not %.200r", what, found, expected)
    if "expect_missing" in step:
        missing = given.get("value", b"") is None and given["rev"] == 0
        check(missing, "it is not missing: %.200r", given)
    if "expect_rev_above" in step:
        check(given["rev"] > resolve(step["expect_rev_above"], saved), "revision: %d", given["rev"])
    if "expect_member" in step:
        check(len(given["text"]) >= 16, "the member's id is short")
    if begun["do"] == "list" and step.get("keys_only"):
        check(not any(value is not None for value in given["values"]), "values came")


def resolve(rev, saved):
    """A revision: a number, or one that was saved and what is added to it."""
    if isinstance(rev, int) or re.fullmatch("-?[0-9]+", rev):
        return int(rev)
    name, offset = re.fullmatch(r"([^+-]+)([+-][0-9]+)?", rev).groups()
    check(name in saved, "no revision was saved as `%s`", name)
    return saved[name] + int(offset or 0)


def value_of(step, prefix):
    """The bytes of `value`, `value_hex` or `value_size`, or of the like expectations; None if there is none of them."""
    text, digits, size = ("value", "value_hex", "value_size") if prefix == "value" else (
        "expect_value", "expect_hex", "expect_size")
    if text in step:
        return step[text].encode()
    if digits in step:
        return bytes.fromhex(step[digits])
    return b"x" * step[size] if size in step else None
