"""What the operating system knows: cores, priorities, and the CPU time and memory of processes (Linux)."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def cores() -> tuple[int, int]:
    """(gateway's core, everybody else's). The same one twice on a machine with one core."""
    usable = sorted(os.sched_getaffinity(0))
    return usable[0], usable[-1]


def pin(core: int, pid: int = 0) -> None:
    """Keep a process (0: this one) on a core, and ahead of the machine's other work where that is allowed."""
    with suppress(OSError):
        os.sched_setaffinity(pid, {core})
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, pid, -10)
    with suppress(OSError):
        Path(f"/proc/{pid or 'self'}/autogroup").write_text("-10")


def cpu_s(pid: int) -> float:
    """CPU seconds of a process so far, all its threads, in steps of a clock tick (10 ms)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * TICK_S


def rss_mb(pid: int) -> float:
    """Resident memory of a process in MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def children(pid: int) -> list[int]:
    """All descendants of a process."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            found += [child, *children(child)]
    return found


def busy_share(pid: int, seconds: float, before: float) -> float:
    """Share of a core that the process used in the last `seconds`, `before` being its CPU time then."""
    return (cpu_s(pid) - before) / seconds if seconds else 0.0


def sockets(pid: int) -> int:
    """How many a process has open."""
    count = 0
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):  # closed meanwhile
            count += str(link.readlink()).startswith("socket:")
    return count
