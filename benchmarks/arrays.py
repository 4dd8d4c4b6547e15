"""Do arrays survive MAT files and Octave? Counts by type and version.

    python benchmarks/arrays.py [ARRAYS]

Draws at least ARRAYS (200) arrays of each type for each version, sends them through files and counts:

    same       read from the last file with the same type and bits
    converted  changed as the convention says: v4 is all double, Octave turns complex without imaginary part into
               real, strings become chars
    refused    sent through Python only, because Octave does not keep them (docs/arrays.md says which)
    LOST       changed otherwise

Only types and bits count, because shapes always become those of MATLAB. Exit status 1 if an array is lost.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from hypothesis import given, settings

from harness.draw.arrays import BATCH, batches
from harness.draw.strategies import GATE, register_profiles
from harness.matlab import octave as program
from harness.matlab.octave import Octave
from harness.spec import Array
from suites.interchange.trips import DTYPES, ECHO, VERSIONS, Trip, as_matlab, described, trips

COLUMNS = ("arrays", "same", "converted", "refused", "LOST")


def verdict(array: Array, version: str, legs: list[Trip]) -> str:
    """The column of one array, from its legs in order."""
    if any(trip.got != trip.wanted for trip in legs):
        return "LOST"
    if version != "v7.3" and legs[-1].leg == "python":
        return "refused"
    is_same = array.dtype.kind != "U" and legs[-1].got == described(as_matlab(array).reshape(shape_of(legs[-1])))
    return "same" if is_same else "converted"


def shape_of(trip: Trip) -> tuple[int, ...]:
    """The shape in the description of the array that came."""
    return tuple(int(length) for length in trip.got.split()[-2].split("x"))


def counted(dtype: str, version: str, least: int, folder: Path, octave: Octave | None) -> Counter[str]:
    """Verdicts over `least` drawn arrays or more."""
    counts: Counter[str] = Counter()

    @settings(settings.get_profile(GATE), max_examples=-(-least // BATCH))
    @given(batches(dtype, version, least=BATCH))
    def send(batch: list[Array]) -> None:
        arrays: Mapping[str, Array] = {f"a{index}": array for index, array in enumerate(batch)}
        legs = list(trips(arrays, version, folder, octave))
        for name, array in arrays.items():
            counts.update(["arrays", verdict(array, version, [trip for trip in legs if trip.name == name])])

    send()
    return counts


def main(least: int) -> int:
    """Print the table. Returns the exit code, 0 if no array is lost."""
    register_profiles()
    if program.executable() is None:
        print("Octave is not installed: everything is refused")
    with tempfile.TemporaryDirectory() as folder, Octave(ECHO) as started:
        octave = started if program.executable() else None
        print(f"{'type':12}{'version':8}" + "".join(f"{column:>10}" for column in COLUMNS))
        total: Counter[str] = Counter()
        for dtype in DTYPES:
            for version in VERSIONS:
                counts = counted(dtype, version, least, Path(folder), octave)
                total.update(counts)
                print(f"{dtype:12}{version:8}" + "".join(f"{counts[column]:10}" for column in COLUMNS), flush=True)
        print(f"{'all':20}" + "".join(f"{total[column]:10}" for column in COLUMNS))
    return min(total["LOST"], 1)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 200))
