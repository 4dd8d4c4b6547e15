"""The golden corpus catches every planted fault."""

import pytest

from harness.planted import Fault
from harness.run import selftest
from harness.run.session import Session


@pytest.mark.planted
def test_fault_is_caught(fault: Fault, parity: Session) -> None:
    """Some case passes on the real hop and fails on the planted one."""
    if why := selftest.obstacle(parity, fault):
        pytest.skip(f"{fault.name} cannot run here: {why}")
    (catch,) = selftest.run(parity, [fault])
    assert catch.caught, f"{fault.name} survived {catch.cases} cases: {fault.does} The corpus has a hole: mend the draw"
