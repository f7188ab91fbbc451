"""ctsieve screens chest CT for COVID-19 and other pneumonia, and shows why.  Research use only.

Ten public names, each loaded on first use so that `import ctsieve` costs nothing.
"""

import importlib
from typing import TYPE_CHECKING

from ctsieve.version import __version__

if TYPE_CHECKING:
    from ctsieve.pipeline.evaluate import evaluate as evaluate
    from ctsieve.pipeline.fit import fit as fit
    from ctsieve.pipeline.names import DATASETS as DATASETS
    from ctsieve.pipeline.names import FORMATS as FORMATS
    from ctsieve.pipeline.names import MODELS as MODELS
    from ctsieve.pipeline.screen import Screener as Screener
    from ctsieve.pipeline.write import write as write
    from ctsieve.readers import read_study as read_study
    from ctsieve.types.results import Screening as Screening

_HOME = {
    "read_study": "ctsieve.readers",
    "Screener": "ctsieve.pipeline.screen",
    "Screening": "ctsieve.types.results",
    "write": "ctsieve.pipeline.write",
    "fit": "ctsieve.pipeline.fit",
    "evaluate": "ctsieve.pipeline.evaluate",
    "MODELS": "ctsieve.pipeline.names",
    "DATASETS": "ctsieve.pipeline.names",
    "FORMATS": "ctsieve.pipeline.names",
}

__all__ = [
    "DATASETS",
    "FORMATS",
    "MODELS",
    "Screener",
    "Screening",
    "__version__",
    "evaluate",
    "fit",
    "read_study",
    "write",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'ctsieve' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
