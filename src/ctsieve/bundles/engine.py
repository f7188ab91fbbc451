"""A bundle's graphs, loaded into a runtime."""

from ctsieve.bundles.bundle import Bundle
from ctsieve.runtime import RUNTIMES, Runtime


def engine(
    bundle: Bundle, *, graph: str | None = None, runtime: str = "onnx", threads: int | None = None
) -> Runtime:
    """The engine that answers for `bundle`; `graph` names another graph of slices than its own.

    Raises:
        BundleError: the runtime cannot use a graph.
        UnknownName: there is no such runtime.
    """
    model = bundle.model if graph is None else bundle.folder / graph
    loaded: Runtime = RUNTIMES[runtime].load(model, scan=bundle.scan, threads=threads)
    return loaded
