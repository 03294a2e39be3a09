"""Services: the seam to the AI under test, and thin services over maintained clients."""

from evenhand.services.catalogue import KINDS, make_service
from evenhand.services.service import (
    Answer,
    LocalService,
    MemoryService,
    Outcome,
    Payload,
    Price,
    Request,
    Service,
    ServiceError,
    plain_answer,
)

__all__ = [
    "KINDS",
    "Answer",
    "LocalService",
    "MemoryService",
    "Outcome",
    "Payload",
    "Price",
    "Request",
    "Service",
    "ServiceError",
    "make_service",
    "plain_answer",
]
