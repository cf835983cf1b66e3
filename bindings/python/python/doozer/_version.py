"""The version of the package's Python part, and the check that the native part is of the same."""

VERSION = "0.1.0"


def check(native: str) -> None:
    """Raises ImportError if the native part is of another version: then files of two installations are mixed."""
    if native != VERSION:
        raise ImportError(
            f"doozer {VERSION} has found the native part of doozer {native}: "
            "remove both (`pip uninstall doozer`, until none is left) and install one again",
            name="doozer",
        )
