"""The talk's lock: a file that exists while somebody holds it.

python3 lock.py 127.0.0.1:8046 /locks/x
"""

import sys

import doozer


def main(uri="127.0.0.1:8046", path="/locks/x"):
    with doozer.connect(uri) as c:
        with c.lock(path) as lock:
            # The token grows from holder to holder: what the lock protects can refuse one who is late.
            print(f"held {lock.rev}", flush=True)
            sys.stdin.readline()
        print("given back")


if __name__ == "__main__":
    main(*sys.argv[1:])
