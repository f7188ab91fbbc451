"""Who must not see an answer yet: a reader who has still to read a contributed case of the study.

A second or third reading is worth something only if it is the reader's own.  So whoever may read an
undecided case, and has not, is shown the images of its study and nothing that the network says,
until the reading is given or the case is decided.
"""

import time
from collections.abc import Iterable
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ctsieve.web.database import Database
from ctsieve.web.errors import NotAllowed
from ctsieve.web.identity import Identity
from ctsieve.web.readings import UNDECIDED
from ctsieve.web.tables import Contribution, Review, Study

IMAGES: Final = ("image.nii.gz", "picture.png")
"""What came of a study and says nothing but what was uploaded."""
WITHHELD: Final = "withheld until you have read the contributed case of this study"


def unread(by: Identity) -> sa.Select[str]:
    """Ids of the studies with a case that `by` has still to read, as a query."""
    read = sa.select(Review.contribution_id).where(Review.user == by.name)
    wanted = sa.select(Contribution.study_id).where(
        Contribution.workspace_id == by.workspace_id,
        Contribution.status.in_(UNDECIDED),
        Contribution.user != by.name,
        Contribution.id.not_in(read),
    )
    return wanted if by.may("reviewer") else wanted.where(sa.false())


def tell(session: Session, study: str) -> None:
    """Have whoever watches told anew of a study: who may see its answer has changed."""
    session.execute(sa.update(Study).where(Study.id == study).values(changed=time.time()))


def withheld(database: Database, by: Identity, studies: Iterable[str]) -> frozenset[str]:
    """Those of `studies` whose answer `by` must not see yet."""
    if not by.may("reviewer"):
        return frozenset()
    wanted = unread(by).where(Contribution.study_id.in_(list(studies)))
    with database.reading() as session:
        return frozenset(session.scalars(wanted))


def check_answer(database: Database, by: Identity, study: str) -> None:
    """See that `by` may be told what the network says of a study.

    Raises:
        NotAllowed: there is a case of it that `by` has still to read.
    """
    if withheld(database, by, [study]):
        raise NotAllowed(f"the answer is {WITHHELD}", hint="read it under Review first")
