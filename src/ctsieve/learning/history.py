"""Figures of every epoch, kept in the checkpoint, so that a resumed run has those of before too."""

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer

Row = dict[str, float]


class History(Callback):
    """Writes `file` after each validation: one row per epoch, one column per figure."""

    def __init__(self, file: Path, *, wrote: Callable[[list[Row]], None] = lambda _: None) -> None:
        self._file = file
        self._wrote = wrote
        self.rows: list[Row] = []

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Add a row."""
        del pl_module
        figures = {name: float(value) for name, value in trainer.callback_metrics.items()}
        self.rows.append({"epoch": trainer.current_epoch + 1, **figures})
        if trainer.is_global_zero:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._file.write_text(as_csv(self.rows), encoding="utf-8")
            self._wrote(self.rows)

    def state_dict(self) -> dict[str, Any]:
        """The rows so far."""
        return {"rows": self.rows}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on after the rows of a checkpoint."""
        self.rows = list(state_dict["rows"])


def as_csv(rows: list[Row]) -> str:
    """A table with a column for every figure of any row.

    Example:
        >>> as_csv([{"epoch": 1.0}, {"epoch": 2.0, "tune/auc": 0.5}]).splitlines()
        ['epoch,tune/auc', '1.0,', '2.0,0.5']
    """
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
