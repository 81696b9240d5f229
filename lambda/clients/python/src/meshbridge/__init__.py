"""Calls apps of the mesh from AWS Lambda, through meshbridge's local proxy.

>>> import meshbridge
>>> mesh = meshbridge.Client()
>>> mesh.get("ledger", "/v1/balances").json()  # doctest: +SKIP
"""

from ._client import Client, Response
from .errors import *  # noqa: F403
from .errors import BY_REASON, MeshbridgeError

__version__ = "0.1.0"
__all__ = ["Client", "Response", "MeshbridgeError", *(cls.__name__ for cls in BY_REASON.values())]
