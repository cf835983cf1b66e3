"""How each language's programs are started, with what ci/test-LANGUAGE has installed; and a member for them to talk to."""

import json
import os
import pathlib
import signal
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[1]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target").resolve()
INSTALLED = ROOT / "target" / "ci"
LANGUAGES = ("rust", "c", "python", "ruby", "node")
EXTENSIONS = {"c": ".c", "python": ".py", "ruby": ".rb", "node": ".mjs"}


def cargo(*arguments):
    subprocess.run(["cargo", "build", "--locked", "--quiet", *arguments], cwd=ROOT, check=True)


def prepared(language, source):
    """The command that starts a program, and the environment it needs. What has to be built is.

    For Rust, `source` is the name of an example of the crate `doozer`.
    """
    if language == "rust":
        cargo("-p", "doozer", "--example", source)
        return [TARGET / "debug" / "examples" / source], {}
    if language == "c":
        return [compiled(source)], {}
    if language == "python":
        return [need(INSTALLED / "python" / "venv" / "bin" / "python", language), source], {}
    if language == "ruby":
        return ["ruby", source], {"GEM_HOME": need(INSTALLED / "ruby" / "gems", language)}
    # Node.js looks for packages beside the program.
    app = need(INSTALLED / "node" / "app", language)
    copy = app / f"{source.parent.name}-{source.name}"
    copy.write_bytes(source.read_bytes())
    return ["node", copy], {}


def compiled(source):
    """The program made of one C file, linked as pkg-config says."""
    prefix = need(INSTALLED / "c" / "prefix", "c")
    program = INSTALLED / "c" / "programs" / f"{source.parent.name}-{source.stem}"
    program.parent.mkdir(parents=True, exist_ok=True)
    found = dict(os.environ, PKG_CONFIG_PATH=str(prefix / "lib" / "pkgconfig"))
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "doozer"], env=found, check=True, text=True,
                           stdout=subprocess.PIPE).stdout.split()
    strict = ["-std=c11", "-D_POSIX_C_SOURCE=200809L", "-O2", "-Wall", "-Wextra", "-Werror"]
    subprocess.run(["cc", *strict, source, "-o", program, *flags, f"-Wl,-rpath,{prefix}/lib"], check=True)
    return program


def need(path, language):
    if not path.exists():
        raise SystemExit(f"{language} is not installed: run ci/test-{language} first")
    return path


def story(language, name, program):
    """Where a program of examples/ stands."""
    return name if language == "rust" else ROOT / "examples" / name / (program + EXTENSIONS[language])


def started(language, source, arguments, **pipes):
    """Starts a program, see `prepared`."""
    command, variables = prepared(language, source)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DOOZER")}
    environment.update({name: str(value) for name, value in variables.items()})
    words = [str(word) for word in (*command, *arguments)]
    # A shell that runs this in the background has it ignore Ctrl-C, which its children would inherit.
    return subprocess.Popen(words, env=environment, text=True, preexec_fn=hear_interrupts, **pipes)


def hear_interrupts():
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Member:
    """A doozerd that keeps everything in memory, on a free port; it ends with the block."""

    def __enter__(self):
        cargo("--release", "--bin", "doozerd", "--bin", "doozer")
        programs = TARGET / "release"
        self.client = programs / "doozer"
        words = [programs / "doozerd", "--memory", "-l", "127.0.0.1:0", "--log-format", "json"]
        self.process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
        for line in self.process.stderr:
            said = json.loads(line)
            if said.get("message") == "serving":
                self.address = said["address"]
                return self
        raise SystemExit(f"doozerd did not start: status {self.process.wait()}")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(30)

    def doozer(self, *arguments, value=None):
        """What the command line says."""
        words = [str(word) for word in (self.client, "-a", self.address, *arguments)]
        return subprocess.run(words, input=value, text=True, check=True, stdout=subprocess.PIPE, timeout=60).stdout
