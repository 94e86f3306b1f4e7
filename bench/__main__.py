"""`make bench`: the whole run."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

import uvloop

from bench import machine, report
from bench.gateway import Installation, upstream
from bench.measure import Bench, Figure, Plan, chat_body, claude_body

CHAT = "/v1/chat/completions"


def _say(text: str) -> None:
    print(f"... {text}", file=sys.stderr, flush=True)


async def _measure(bench: Bench) -> None:
    pid = bench.gateway.pid
    await asyncio.sleep(2)
    bench.add("start-up to the first 200", "s", bench.gateway.startup_s, goal=3)
    bench.add("memory, idle", "MB", machine.rss_mb(pid), goal=130)
    await bench.warm_up()
    await bench.memory()
    await bench.plain()
    await bench.variant("through a combo", CHAT, chat_body("combo-bench"))
    await bench.variant("Anthropic to OpenAI", "/v1/messages", claude_body("bench/bench"))
    await bench.unpaced("relayed", CHAT, chat_body("bench/bench-n200-i0", True), goal=40)
    await bench.unpaced("translated", "/v1/messages", claude_body("bench/bench-n200-i0", True), goal=60)
    await bench.paced()
    bench.add("memory, after the load", "MB", machine.rss_mb(pid))


def _run(rows: int, plan: Plan) -> list[Figure]:
    machine.pin(machine.cores()[1])
    with tempfile.TemporaryDirectory(prefix="omniroute-bench-") as folder, upstream() as address:
        installation = Installation(Path(folder), address)
        _say(f"setting up, {rows:,} usage rows")
        installation.fill(rows)
        with installation.serve(CHAT, chat_body("bench/bench")) as gateway:
            bench = Bench(gateway, address, installation.key, plan, _say)
            uvloop.run(_measure(bench))
            return bench.figures


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure the running gateway.")
    parser.add_argument(
        "--rows", type=int, default=0, help="usage rows that are there beforehand (default: 0)"
    )
    parser.add_argument("--quick", action="store_true", help="shorter runs, fewer of them")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as well")
    options = parser.parse_args()
    figures = _run(options.rows, Plan.quick() if options.quick else Plan())
    print(report.machine_line(options.rows))
    print(report.table(figures))
    if options.json:
        report.write_json(options.json, figures, options.rows)


if __name__ == "__main__":
    main()
