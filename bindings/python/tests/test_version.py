"""The check that the two parts of the package are of one version."""

import importlib.metadata
import pathlib
import shutil
import subprocess
import sys

import doozer
from doozer import _native


def test_one_version_everywhere():
    assert doozer.__version__ == _native.VERSION == importlib.metadata.version("doozer")


def test_a_native_part_of_another_version_is_refused(tmp_path):
    package = pathlib.Path(doozer.__file__).parent
    shutil.copytree(package, tmp_path / "doozer")
    version = tmp_path / "doozer" / "_version.py"
    text = version.read_text(encoding="utf-8")
    assert f'VERSION = "{doozer.__version__}"' in text
    version.write_text(text.replace(doozer.__version__, "9.8.7"), encoding="utf-8")
    program = "try:\n    import doozer\nexcept ImportError as error:\n    print(error, error.name)\n"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert "9.8.7" in done.stdout and doozer.__version__ in done.stdout
    assert "pip" in done.stdout and done.stdout.endswith(" doozer\n")
