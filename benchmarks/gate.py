"""How long is the gate of an importer, beside a plain loop that converts and runs the same files?

    python -m benchmarks.gate PACK [--importer onnx2torch] [--rounds 2] [-n 2]

Walks everything behind a pack of ONNX files along the route of each importer by `parity gate --no-cache`, from a shell
prompt to the verdict, and in turns a program that reads, converts and runs each file once and compares nothing. Prints
the seconds of both by the clock and of the processor, and their ratio.
"""

from __future__ import annotations

import argparse
import importlib
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LOOP = "--loop"


def loop(pack: Path, importer: str) -> None:
    """The plain loop: convert each file of a pack and run it once on the first inputs of its case."""
    import io
    import warnings

    import onnx
    import torch

    from harness.run.session import Selection, Session

    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    module, name = {"onnx2torch": ("onnx2torch", "convert"), "onnx2pytorch": ("onnx2pytorch", "ConvertModel")}[importer]
    convert = getattr(importlib.import_module(module), name)
    with Session(Selection(pack=pack)) as session:
        given = session.pack
        assert given is not None
        artifacts = {
            name.rpartition("/")[2]: data for name, data in given.members.items() if name.startswith("artifacts/")
        }
        inputs = {entry.id: entry.load().inputs for entry in session.entries()}
    begun, ran = time.perf_counter(), 0
    for case, data in artifacts.items():
        try:
            converted = convert(onnx.load(io.BytesIO(data))).eval()
            with torch.no_grad():
                converted(*(torch.from_numpy(value.copy()) for value in inputs[case].values()))
            ran += 1
        except Exception:
            continue
    print(f"{len(artifacts)} files, {ran} ran, {time.perf_counter() - begun:.1f} s in the loop alone")


def timed(command: list[str]) -> tuple[float, float, str]:
    """Seconds by the clock, seconds of the processor, and the last line of a program that may exit with 0 or 1."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    seconds, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in (0, 1) or not done.stdout.strip():
        sys.exit(f"{' '.join(command)}: {done.returncode}\n{done.stderr[-2000:]}")
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, spent, f"exit {done.returncode}: {done.stdout.strip().splitlines()[-1]}"


def main() -> None:
    """Time both in turns and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pack", type=Path)
    parser.add_argument("--importer", action="append", choices=["onnx2torch", "onnx2pytorch"])
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("-n", dest="jobs", type=int, default=2)
    parser.add_argument(LOOP, action="store_true", help="Run the plain loop itself.")
    options = parser.parse_args()
    importers = options.importer or ["onnx2torch", "onnx2pytorch"]
    if options.loop:
        loop(options.pack, importers[0])
        return
    for importer in importers:
        plain = [sys.executable, "-m", "benchmarks.gate", str(options.pack), "--importer", importer, LOOP]
        best: dict[str, tuple[float, float, str]] = {}
        with tempfile.TemporaryDirectory() as folder:
            gate = [
                sys.executable, "-c", "from harness.cli.main import main; main()", "gate", "--no-cache",
                "--pack", str(options.pack), "--route", f"*-{importer}", "-n", str(options.jobs),
                "--results", f"{folder}/results.ndjson",
            ]  # fmt: skip
            for _ in range(options.rounds):
                for name, command in (("plain loop", plain), ("parity gate", gate)):
                    taken = timed(command)
                    best[name] = min(best.get(name, taken), taken)
        for name, (seconds, spent, line) in best.items():
            print(f"{importer:13} {name:12} {seconds:6.1f} s by the clock, {spent:6.1f} s of the processor; {line}")
        ratio = best["parity gate"][0] / best["plain loop"][0]
        print(f"{importer:13} ratio {ratio:.2f} by the clock", flush=True)


if __name__ == "__main__":
    main()
