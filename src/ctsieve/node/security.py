"""TLS on both sides of a DICOM association (PS3.15 B.9: modified BCP 195, TLS 1.2 or later)."""

import ssl

from ctsieve.node.settings import Tls
from ctsieve.types.errors import UsageError


def server_context(tls: Tls) -> ssl.SSLContext:
    """The context to listen with.

    Raises:
        UsageError: there is no certificate, or a file cannot be read.
    """
    if tls.certificate is None:
        raise UsageError("listening with TLS needs `tls.certificate`", hint="give a PEM file")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _load(context, tls)
    if tls.authorities is not None:
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def client_context(tls: Tls) -> ssl.SSLContext:
    """The context to connect with; it checks the name of the other side.

    Raises:
        UsageError: a file cannot be read.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if tls.authorities is None:
        context.load_default_certs()
    _load(context, tls)
    return context


def _load(context: ssl.SSLContext, tls: Tls) -> None:
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        if tls.certificate is not None:
            context.load_cert_chain(tls.certificate, tls.key)
        if tls.authorities is not None:
            context.load_verify_locations(tls.authorities)
    except (OSError, ssl.SSLError) as error:
        raise UsageError(
            f"a certificate or key cannot be read: {error}", hint="give PEM files"
        ) from error
