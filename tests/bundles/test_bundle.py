"""A bundle is whole or refused; what is in it is what was put in."""

import shutil
import zipfile
from pathlib import Path

import pytest
from tests.tiny_bundle import make_tiny_bundle, tiny_members, tiny_recipe

from ctsieve.bundles import store
from ctsieve.bundles.bundle import Bundle, open_bundle, write_bundle
from ctsieve.bundles.verify import verify
from ctsieve.types.errors import BundleError


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bundle:
    monkeypatch.setenv("CTSIEVE_HOME", str(tmp_path / "home"))
    return make_tiny_bundle(tmp_path / "made")


def test_it_opens_and_computes_its_golden_numbers(tiny: Bundle) -> None:
    rows = verify(open_bundle(tiny.folder))
    assert {row.output for row in rows} == {"logits", "lesion_logits", "heat"}
    assert all(row.passed for row in rows)


def test_one_changed_byte_in_any_member_is_refused(tiny: Bundle) -> None:
    for member in tiny.manifest.members:
        path = tiny.folder / member
        original = path.read_bytes()
        middle = len(original) // 2
        path.write_bytes(original[:middle] + bytes([original[middle] ^ 1]) + original[middle + 1 :])
        with pytest.raises(BundleError, match=f"{path.name}.*SHA-256"):
            open_bundle(tiny.folder)
        path.write_bytes(original)
    assert open_bundle(tiny.folder).identity == tiny.identity


def test_a_missing_an_unlisted_and_a_linked_member_are_refused(tiny: Bundle) -> None:
    extra = tiny.folder / "setup.py"
    extra.write_text("print()")
    with pytest.raises(BundleError, match=r"unlisted 'setup\.py'"):
        open_bundle(tiny.folder)
    extra.unlink()
    weights = tiny.folder / "weights.safetensors"
    moved = tiny.folder.parent / "weights"
    weights.rename(moved)
    with pytest.raises(BundleError, match="lacks weights"):
        open_bundle(tiny.folder)
    weights.symlink_to(moved)
    with pytest.raises(BundleError, match="lacks weights"):
        open_bundle(tiny.folder)


@pytest.mark.parametrize("name", ["model.pkl", "../out.json", "/etc/x.json", "run.py", "a\\b.json"])
def test_a_bundle_holds_nothing_that_runs_or_climbs(tmp_path: Path, name: str) -> None:
    members = {**tiny_members(tmp_path), name: b"x"}
    with pytest.raises(BundleError, match="may not hold"):
        write_bundle(tmp_path / "b", members, name="tiny", version="1")
    assert not (tmp_path / "b").exists()
    assert list(tmp_path.iterdir()) == []


def test_a_graph_of_scans_belongs_to_scans_and_to_nothing_else(tmp_path: Path) -> None:
    members = tiny_members(tmp_path)
    with pytest.raises(BundleError, match="belongs to scans"):
        write_bundle(
            tmp_path / "out", {**members, "scan.onnx": b"graph"}, name="tiny", version="1.0.0"
        )
    recipe = tiny_recipe(kind="scan", lesions=())
    with pytest.raises(BundleError, match="belongs to scans"):
        write_bundle(tmp_path / "out", tiny_members(tmp_path, recipe), name="tiny", version="1.0.0")
    assert not (tmp_path / "out").exists()


def test_a_failed_rewrite_leaves_the_old_bundle(tiny: Bundle, tmp_path: Path) -> None:
    members = tiny_members(tmp_path)
    members["recipe.json"] = b"{}"
    with pytest.raises(BundleError, match=r"recipe\.json"):
        write_bundle(tiny.folder, members, name="tiny", version="2")
    assert open_bundle(tiny.folder).identity == tiny.identity


def test_pack_import_find_and_list(tiny: Bundle, tmp_path: Path) -> None:
    archive = store.pack(tiny, tmp_path / "tiny.ctsieve")
    assert store.find(archive).identity == tiny.identity
    assert "tiny" not in store.names()
    assert store.import_bundle(archive).identity == tiny.identity
    assert "tiny" in store.names()
    assert store.find("tiny").identity == tiny.identity
    assert store.find(tiny.folder).identity == tiny.identity


def test_packing_twice_gives_the_same_bytes(tiny: Bundle, tmp_path: Path) -> None:
    first = store.pack(tiny, tmp_path / "a.ctsieve").read_bytes()
    assert store.pack(tiny, tmp_path / "b.ctsieve").read_bytes() == first


def test_a_climbing_archive_writes_nothing_outside(tiny: Bundle, tmp_path: Path) -> None:
    archive = tmp_path / "evil.ctsieve"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("../../evil.json", "{}")
    with pytest.raises(BundleError, match="may not hold"):
        store.import_bundle(archive)
    assert not list(tmp_path.rglob("evil.json"))
    assert list(store.home().iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 not a zip", b"text"])
def test_what_is_no_archive_is_refused(tiny: Bundle, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.ctsieve"
    path.write_bytes(content)
    with pytest.raises(BundleError, match=r"no \.ctsieve file"):
        store.find(path)


def test_an_unknown_bundle_is_named_with_those_at_hand(tiny: Bundle) -> None:
    store.import_bundle(tiny.folder)
    with pytest.raises(BundleError, match="'tinny'") as caught:
        store.find("tinny")
    assert "tiny" in caught.value.hint


def test_a_folder_without_manifest_is_no_bundle(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="is no bundle"):
        open_bundle(tmp_path)


def test_import_replaces_an_older_version(tiny: Bundle, tmp_path: Path) -> None:
    store.import_bundle(tiny.folder)
    newer = tmp_path / "newer"
    shutil.rmtree(newer, ignore_errors=True)
    newer.mkdir()
    write_bundle(newer / "tiny", tiny_members(newer), name="tiny", version="2.0.0")
    store.import_bundle(newer / "tiny")
    assert store.find("tiny").identity.version == "2.0.0"
