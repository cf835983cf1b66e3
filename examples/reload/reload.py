"""The talk's reload loop: a program that hears of each change of its configuration.

python3 reload.py 127.0.0.1:8046 /myapp.conf
"""

import sys

import doozer


def main(uri="127.0.0.1:8046", path="/myapp.conf"):
    with doozer.connect(uri) as c:
        # First the file as it is, then as it is after each change. None is missed, whatever happens to connections.
        for value, rev in c.config(path):
            if value is None:
                print(f"{path} is not there", flush=True)
            else:
                print(f"{path} {rev} {value.decode(errors='replace')}", flush=True)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit(130)
