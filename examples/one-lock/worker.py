"""One of several programs that take turns on one lock and append to one file; `run` beside this file starts them.

python3 worker.py 127.0.0.1:8046 /locks/one /tmp/turns.txt python 10
"""

import sys

import doozer


def append(file, line):
    with open(file, "ab", buffering=0) as turns:
        turns.write(line.encode())


def main(uri, path, file, name, turns):
    with doozer.connect(uri) as c:
        c.set(f"/one-lock/ready/{name}", "", -1)
        c.wait("/one-lock/go", 1)
        for _ in range(int(turns)):
            with c.lock(path) as lock:
                append(file, f"{name} {lock.rev} begin\n")
                # Time for the others to come in between, if they could.
                c.nop()
                append(file, f"{name} {lock.rev} end\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
