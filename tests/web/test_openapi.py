"""The API keeps what its description says, whatever is sent: schemathesis asks."""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import positive_data_acceptance
from tests.web.serving import Person, admin_of, serving

from ctsieve.web.app import PREFIX, make_app
from ctsieve.web.service import Service

Operation = APIOperation[Any, Any, Any, Any]
EXAMPLES = 6
"""Of every operation; more find nothing new and take minutes."""
NOT_CHECKED = [positive_data_acceptance]
"""What is well said may still be too large, or name what is not there."""
ENDLESS = "/events"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with serving(tmp_path_factory.mktemp("openapi")) as found:
        yield found


@pytest.fixture(scope="module")
def key(service: Service) -> str:
    admin = admin_of(service)
    return str(admin.client.post("users/admin/keys").json()["key"])


def _asked(operation: Operation, mode: GenerationMode, key: str) -> list[str]:
    """What is wrong with the answers of one operation."""
    wrong: list[str] = []

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:  # noqa: ANN401  the library's own
        try:
            case.call_and_validate(
                headers={"Authorization": f"Bearer {key}"}, excluded_checks=NOT_CHECKED
            )
        except FailureGroup as group:
            wrong.extend(f"{operation.label}: {failure}" for failure in group.exceptions)

    ask()
    return wrong


def test_whatever_is_sent_the_answer_is_as_described(service: Service, key: str) -> None:
    found = schemathesis.openapi.from_asgi(f"{PREFIX}/openapi.json", make_app(service))
    operations = [each.ok() for each in found.get_all_operations() if isinstance(each, Ok)]
    wrong = [
        line
        for operation in operations
        if not operation.path.endswith(ENDLESS)
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
        if _can(operation, mode)
        for line in _asked(operation, mode, key)
    ]
    assert not wrong, "\n\n".join(wrong)
    assert len(operations) > 40


def _can(operation: Operation, mode: GenerationMode) -> bool:
    """Whether there is anything to say wrongly."""
    parameters = list(operation.iter_parameters())
    return mode is GenerationMode.POSITIVE or bool(parameters) or bool(operation.body)


def test_every_error_has_one_form(service: Service) -> None:
    person = Person(service)
    asked = [
        person.client.get("studies"),
        person.client.get("nothing"),
        person.client.post("health"),
        person.client.post("session", json={"name": 1}),
        person.client.post("session", content=b"{"),
        person.client.post("session", json={"name": "x", "password": "y"}),
    ]
    assert [answer.status_code for answer in asked] == [401, 404, 405, 422, 422, 401]
    for answer in asked:
        assert answer.headers["content-type"] == "application/problem+json"
        said = answer.json()
        assert set(said) == {"title", "status", "detail", "hint", "code"}
        assert said["status"] == answer.status_code
        assert said["detail"]
