"""The conformance statement says what a running node does."""

from pathlib import Path

import pytest
from pydicom.uid import UID
from pynetdicom import AE
from tests.node.running import free_port

from ctsieve.node import conformance
from ctsieve.node.inbox import Inbox
from ctsieve.node.listener import Listener
from ctsieve.node.settings import NodeSettings

ENHANCED_SR = "1.2.840.10008.5.1.4.1.1.88.22"


@pytest.mark.enable_socket
def test_every_class_and_transfer_syntax_of_the_statement_is_accepted(tmp_path: Path) -> None:
    settings = NodeSettings(port=free_port())
    scu = AE(ae_title="ASKS")
    for sop_class in conformance.STORED:
        for syntax in conformance.TRANSFER_SYNTAXES:
            scu.add_requested_context(sop_class, syntax)
    scu.add_requested_context(conformance.VERIFICATION)
    scu.add_requested_context(ENHANCED_SR)
    with Inbox(tmp_path / "in") as inbox, Listener(settings, inbox) as listener:
        association = scu.associate("127.0.0.1", listener.port, ae_title="CTSIEVE")
        assert association.is_established
        accepted = {
            (c.abstract_syntax, c.transfer_syntax[0]) for c in association.accepted_contexts
        }
        assert association.send_c_echo().Status == 0
        assert [c.abstract_syntax for c in association.rejected_contexts] == [ENHANCED_SR]
        association.release()
    stated = {(UID(c), UID(t)) for c in conformance.STORED for t in conformance.TRANSFER_SYNTAXES}
    assert stated <= accepted


def test_the_statement_names_every_constant() -> None:
    page = conformance.statement()
    for uid in (*conformance.STORED, *conformance.TRANSFER_SYNTAXES, *conformance.SENT):
        assert f"| {uid} |" in page
    for status in conformance.Status:
        assert f"| {status:04X} |" in page
    for number in (conformance.MAX_PDU, NodeSettings().port, NodeSettings().max_associations):
        assert str(number) in page
