"""The packs that come with the goldens fit them, and the record."""

from harness.run.pack import Pack
from harness.run.session import PACKS, Session

NAME = "keras-tf2onnx"


def test_the_pack_of_tf2onnx_has_every_golden_case_of_keras_but_large_models() -> None:
    with Session() as session:
        pack = Pack.read(session.root / "golden" / PACKS / f"{NAME}.pack")
        entries = session.store.entries()
        pack.check(entries)
        small = {entry.id for entry in entries if entry.dialect == "keras" and not entry.is_large}
        assert small - {*pack.cases, *pack.about["left_out"]} == set(), f"parity pack --route {NAME} makes it anew"
        assert len(pack.about["left_out"]) < 5
        assert pack.chains == (NAME,)
        assert {name: pack.versions[name] for name in ("tf2onnx", "keras")} == {
            name: session.record.versions[name] for name in ("tf2onnx", "keras")
        }
