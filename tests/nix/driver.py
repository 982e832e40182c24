"""The methods of the NixOS test driver that our scripts use, with their signatures (docs/NIX-VERIFICATION.md)."""

from collections.abc import Iterator
from contextlib import contextmanager


class Machine:
    """One virtual machine."""

    name: str

    def start(self) -> None:
        """Boots it."""
        raise NotImplementedError

    def wait_for_unit(self, unit: str, user: str | None = None, timeout: int = 900) -> None:
        """Until the unit is active."""
        raise NotImplementedError

    def wait_for_open_port(self, port: int, addr: str = "localhost", timeout: int = 900) -> None:
        """Until somebody listens."""
        raise NotImplementedError

    def wait_until_succeeds(self, command: str, timeout: int = 900) -> str:
        """Repeats a command."""
        raise NotImplementedError

    def succeed(self, *commands: str, timeout: int | None = None) -> str:
        """Runs commands that must end with 0."""
        raise NotImplementedError

    def fail(self, *commands: str, timeout: int | None = None) -> str:
        """Runs commands that must not."""
        raise NotImplementedError

    def execute(self, command: str, check_return: bool = True, check_output: bool = True, timeout: int | None = 900) -> tuple[int, str]:
        """Runs a command."""
        raise NotImplementedError

    def get_unit_property(self, unit: str, property: str, user: str | None = None) -> str:
        """`systemctl show`."""
        raise NotImplementedError

    def copy_from_machine(self, source: str, target_dir: str = "") -> None:
        """To the driver's output folder."""
        raise NotImplementedError


def start_all() -> None:
    """Boots all machines."""
    raise NotImplementedError


@contextmanager
def subtest(name: str) -> Iterator[None]:
    """A heading in the log."""
    del name
    yield
