"""What only admins do, and signing in by an institution's accounts; in a real browser."""

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from playwright.sync_api import Browser, expect
from tests.node.running import until
from tests.tiny_bundle import make_tiny_bundle, tiny_recipe
from tests.web.access import violations
from tests.web.browser import Visitor, chromium
from tests.web.house import House, house, sign_in
from tests.web.provider import CLIENT, SECRET, Provider, provider
from tests.web.releasing import LOOKED, pictures
from tests.web.serving import PASSWORD

from ctsieve.bundles.store import pack

pytestmark = [pytest.mark.enable_socket, pytest.mark.slow]

KINDS = ("covid", "normal", "covid", "normal")
LABELS = {"covid": "covid19", "normal": "neither"}
RULE = {"least_patients": 2, "auc_margin": 0.9, "call_margin": 0.9}
CALLBACK = "/api/v1/session/oidc/callback"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def known() -> Iterator[Provider]:
    with provider() as found:
        yield found


@pytest.fixture(scope="module")
def service(
    tmp_path_factory: pytest.TempPathFactory, browser: Browser, known: Provider
) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("house")
    told = {
        "issuer": known.issuer, "client_id": CLIENT, "client_secret": SECRET,
        "role_claim": "groups", "roles": {"readers": "reviewer"}, "workspace": "north",
    }  # fmt: skip
    bundle = make_tiny_bundle(folder / "bundle").folder
    with house(folder, bundle=str(bundle), oidc=told, **RULE) as found:
        known.redirect_uri = found.address + CALLBACK
        yield found


def _lock_cases(service: House) -> None:
    """Four judged pictures of four patients, read twice and kept back."""
    with httpx2.Client(base_url=service.admin.base_url, timeout=60) as reader:
        password = service.add("rea", role="reviewer", workspace="admin")
        sign_in(reader, password, name="rea")
        sent = pictures(KINDS)
        files = [{"name": name, "size": len(content)} for name, content in sent.items()]
        upload = service.admin.post("uploads", json={"files": files, "kind": "pictures"}).json()
        for number, content in enumerate(sent.values()):
            service.admin.put(f"uploads/{upload['id']}/files/{number}", content=content)
        studies = service.admin.post(f"uploads/{upload['id']}/finish").json()["studies"]
        cases = []
        for number, (study, kind) in enumerate(zip(studies, KINDS, strict=True)):
            given = {"study": study["id"], "consent": True, "label": LABELS[kind], **LOOKED}
            given["patient"] = f"P-{number}"
            case = service.admin.post("contributions", json=given).json()["id"]
            answer = reader.post(f"contributions/{case}/reviews", json={"label": LABELS[kind]})
            assert answer.json()["status"] == "accepted"
            cases.append(case)
    waiting = "studies?status=received,queued,screening"
    until(lambda: not service.admin.get(waiting).json()["items"], "all are judged", log=service.log)
    assert service.admin.post("locked-sets", json={"cases": cases}).status_code == 201


def _candidate(folder: Path, version: str, threshold: float) -> Path:
    """A file of a bundle like the one in use, but for its version and its threshold."""
    level = tiny_recipe().picture
    cut = level.thresholds[0].model_copy(update={"value": threshold})
    moved = level.model_copy(update={"thresholds": (cut,)})
    bundle = make_tiny_bundle(folder, tiny_recipe(picture=moved, scan=moved), version=version)
    return pack(bundle, folder / f"{version}.ctsieve")


def test_a_candidate_is_sent_tried_promoted_and_taken_back(
    service: House, browser: Browser, tmp_path: Path
) -> None:
    _lock_cases(service)
    admin = Visitor(browser, service.address)
    admin.sign_in("admin", PASSWORD)
    page = admin.page
    page.get_by_role("link", name="Models").click()
    for version, threshold in (("1.2.0", 0.001), ("1.1.0", 0.49)):
        file = _candidate(tmp_path / version, version, threshold)
        page.get_by_label("Send a candidate").set_input_files(file)
        one = page.locator(".candidate").filter(has_text=version)
        expect(one.get_by_role("button", name="Promote")).to_be_disabled()
        one.get_by_role("button", name="Try it").click()
        expect(one.locator(".badge")).to_be_visible()
    worse = page.locator(".candidate").filter(has_text="1.2.0")
    expect(worse).to_contain_text("not shown to be as good")
    expect(worse).to_contain_text("Specificity: not shown to be no worse")
    expect(worse.get_by_role("button", name="Promote")).to_be_disabled()
    good = page.locator(".candidate").filter(has_text="1.1.0")
    expect(good.get_by_text("not worse", exact=True)).to_be_visible()
    assert violations(page) == []
    good.get_by_role("button", name="Promote").click()
    in_use = page.locator("section.card").filter(has=page.get_by_text("in use", exact=True))
    expect(in_use).to_contain_text("tiny 1.1.0")
    page.get_by_role("button", name="Take the last change back").click()
    expect(in_use).to_contain_text("tiny 1.0.0")
    page.get_by_role("link", name="Admin").click()
    log = page.get_by_role("row")
    for act in ("candidate uploaded", "candidate tried", "bundle chosen", "promotion undone"):
        expect(log.filter(has_text=act).first).to_be_visible()
    admin.leave()


def test_somebody_signs_in_by_the_institutions_account(
    service: House, browser: Browser, known: Provider
) -> None:
    known.user = {"sub": "s-1", "preferred_username": "ruth", "groups": ["readers"]}
    ruth = Visitor(browser, service.address)
    ruth.page.goto("/")
    ruth.page.get_by_role("link", name="Sign in with").click()
    expect(ruth.page.get_by_role("heading", name="Worklist")).to_be_visible()
    expect(ruth.page.get_by_role("banner")).to_contain_text("ruth")
    expect(ruth.page.get_by_role("link", name="Review")).to_be_visible()
    expect(ruth.page.get_by_role("link", name="Admin")).to_have_count(0)
    ruth.page.reload()
    expect(ruth.page.get_by_role("heading", name="Worklist")).to_be_visible()
    # Only the sign-in itself went to the provider.
    assert {known.issuer in trouble for trouble in ruth.troubles} == {True}
    ruth.page.context.close()


def test_who_has_no_role_here_is_told_so_on_the_page(
    service: House, browser: Browser, known: Provider
) -> None:
    known.user = {"sub": "s-2", "preferred_username": "otto", "groups": ["kitchen"]}
    otto = Visitor(browser, service.address)
    otto.page.goto("/")
    otto.page.get_by_role("link", name="Sign in with").click()
    expect(otto.page.get_by_role("alert")).to_contain_text("no role here")
    expect(otto.page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert violations(otto.page) == []
    otto.page.context.close()
