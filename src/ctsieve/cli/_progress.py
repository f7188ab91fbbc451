"""Progress on stderr, and only on a terminal."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Report = Callable[[int, int], None]
Stage = Callable[[str], Report]


@contextmanager
def stages() -> Iterator[Stage]:
    """Yield a function that announces a stage and returns its (done, total) reporter."""
    if not sys.stderr.isatty():
        yield lambda _: lambda _done, _total: None
        return
    # Imported here: it is a tenth of a second that a batch job need not pay.
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:

        def stage(name: str) -> Report:
            for task in bar.task_ids:
                bar.remove_task(task)
            current = bar.add_task(name, total=None)
            return lambda done, total: bar.update(current, completed=done, total=total)

        yield stage
