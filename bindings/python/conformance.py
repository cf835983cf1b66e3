#!/usr/bin/env python3
"""Runs the scenarios of bindings/spec/conformance with this package; bindings/spec/README.md describes them.

    conformance.py [--way blocking|asyncio|gevent] [DIRECTORY] [OUTPUT] [PART]
"""

import argparse
import json
import os
import pathlib
import re
import sys
import traceback

from conformance_outcomes import Failed, check
from conformance_ways import WAYS
from conformance_world import SPEC, World

SCENARIO_S = 60
SKIPPED = {}  # beginnings of scenarios' names, and why this package cannot run them
SCENARIO_KEYS = set("name about via also_embedded history secret read_secret listen durable".split())
STEP_KEYS = set(
    "do client path glob value value_hex value_size rev n limit keys_only fence txn secret "
    "stream lock leader registration live entered call background "
    "via uri session_ttl_ms session_label command timeout_ms repeat save "
    "expect_value expect_hex expect_size expect_missing expect_rev expect_rev_above expect_path expect_change expect_len "
    "expect_names expect_values expect_count expect_revs expect_held expect_member "
    "error error_op error_path error_part error_detail".split()
)


def load(path):
    """The scenarios of a file, each a dict with its steps under `step`."""
    scenarios, table = [], None
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if line == "[[scenario]]":
            table, keys = {"step": [], "wrong": None, "file": path.name}, SCENARIO_KEYS
            scenarios.append(table)
        elif line == "[[scenario.step]]":
            table, keys = {}, STEP_KEYS
            scenarios[-1]["step"].append(table)
        else:
            pair = re.fullmatch(r'([a-z0-9_]+) = (-?[0-9]+|true|false|".*")', line)
            if not pair or pair[1] not in keys or pair[1] in table:
                scenarios[-1]["wrong"] = f"line {number} is not known: {line}"
            else:
                table[pair[1]] = json.loads(pair[2])
    return scenarios


def run(way, scenario, via):
    def steps():
        world = World(way, scenario, via)
        why = None
        try:
            check(scenario["wrong"] is None, "%s", scenario["wrong"])
            world.open()
            world.carry_out(scenario["step"])
        except Failed as failed:
            why = str(failed)
        except Exception:
            why = f"the runner broke: {traceback.format_exc()}"
        try:
            world.close()
        except Exception:
            why = why or f"it could not be ended: {traceback.format_exc()}"
        return why

    return way.host(steps, SCENARIO_S)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--way", choices=WAYS, default="blocking")
    parser.add_argument("directory", nargs="?", type=pathlib.Path, default=SPEC / "conformance")
    parser.add_argument("output", nargs="?", default=os.devnull)
    parser.add_argument("part", nargs="?", default="")
    told = parser.parse_args()
    for name in [name for name in os.environ if name.startswith("DOOZER")]:
        del os.environ[name]
    way, counts, lines = WAYS[told.way](), {"pass": 0, "fail": 0, "skip": 0}, []
    files = sorted(told.directory.glob("*.toml"))
    if not files:
        sys.exit(f"{told.directory}: there are no scenarios (*.toml)")
    for scenario in (scenario for path in files for scenario in load(path)):
        runs = [(scenario["name"], scenario.get("via", "tcp"))]
        runs += [(scenario["name"] + "@embedded", "embedded")] if scenario.get("also_embedded") else []
        for name, via in (each for each in runs if told.part in each[0]):
            why = next((why for start, why in SKIPPED.items() if name.startswith(start)), None)
            word, text = ("skip", why) if why else ("pass", "")
            if word == "pass" and (failed := run(way, scenario, via)):
                word, text = "fail", failed
                print(f"{scenario['file']}: {name}: {failed}", file=sys.stderr)
            counts[word] += 1
            lines.append(f"{name}\t{word}\t{' '.join(text.split())}\n")
    pathlib.Path(told.output).parent.mkdir(parents=True, exist_ok=True)
    pathlib.Path(told.output).write_text("".join(lines), encoding="utf-8")
    print(f"scenarios, {told.way}: {counts['pass']} passed, {counts['fail']} failed, {counts['skip']} skipped")
    return 1 if counts["fail"] else 0


if __name__ == "__main__":
    sys.exit(main())
