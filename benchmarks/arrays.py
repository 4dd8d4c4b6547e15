"""Arrays sent through MAT files and Octave, counted by type and version: is any lost that should not be?

    python benchmarks/arrays.py [ARRAYS]

Draws at least so many arrays (200) of each type for each version and prints, of how many: `same`, that came back from
the last file with the type and bits they had; `converted`, that came back as the convention says, otherwise (v4 is all
double, Octave makes complex without imaginary part real, strings become chars); `refused`, that Octave does not keep
(docs/arrays.md says which), and that went through Python only; `LOST`, that came back as nothing says. Shapes are not
looked at in the first two: they always become those of MATLAB.
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


def verdict(array: Array, version: str, went: list[Trip]) -> str:
    """The column of one array: `went` are its legs, in order."""
    if any(trip.got != trip.wanted for trip in went):
        return "LOST"
    if version != "v7.3" and went[-1].leg == "python":
        return "refused"
    kept = array.dtype.kind != "U" and went[-1].got == described(as_matlab(array).reshape(shape_of(went[-1])))
    return "same" if kept else "converted"


def shape_of(trip: Trip) -> tuple[int, ...]:
    """Size that a description tells."""
    return tuple(int(length) for length in trip.got.split()[-2].split("x"))


def counted(dtype: str, version: str, least: int, folder: Path, octave: Octave | None) -> Counter[str]:
    """Verdicts over at least so many drawn arrays."""
    found: Counter[str] = Counter()

    @settings(settings.get_profile(GATE), max_examples=-(-least // BATCH))
    @given(batches(dtype, version, least=BATCH))
    def send(batch: list[Array]) -> None:
        arrays: Mapping[str, Array] = {f"a{index}": array for index, array in enumerate(batch)}
        went = list(trips(arrays, version, folder, octave))
        for name, array in arrays.items():
            found.update(["arrays", verdict(array, version, [trip for trip in went if trip.name == name])])

    send()
    return found


def main(least: int) -> int:
    """Print the table; 0 where nothing was lost."""
    register_profiles()
    if program.executable() is None:
        print("Octave is not installed: everything is refused")
    with tempfile.TemporaryDirectory() as folder, Octave(ECHO) as started:
        octave = started if program.executable() else None
        print(f"{'type':12}{'version':8}" + "".join(f"{column:>10}" for column in COLUMNS))
        total: Counter[str] = Counter()
        for dtype in DTYPES:
            for version in VERSIONS:
                found = counted(dtype, version, least, Path(folder), octave)
                total.update(found)
                print(f"{dtype:12}{version:8}" + "".join(f"{found[column]:10}" for column in COLUMNS), flush=True)
        print(f"{'all':20}" + "".join(f"{total[column]:10}" for column in COLUMNS))
    return min(total["LOST"], 1)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 200))
