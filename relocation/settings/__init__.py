"""The typed configuration: one migration with its endpoints, categories, waves, policies and limits.

Guarantees: frozen, nothing unknown accepted, every value in its one normal form, every limit named with its unit. What only
several values together show (overlaps, residency) is `consistency.py`'s business. Refuses secrets: credentials are references.
"""

from relocation.settings.endpoints import Endpoint, EndpointPrices, Move, PaceLimit, Prices, RoleName, Side, VaultPlace
from relocation.settings.migration import Category, Migration, Worker
from relocation.settings.policy import CustomerKeys, Excluded, Policy, Sse
from relocation.settings.transfer import Transfer
from relocation.settings.waves import DayRange, KeyList, KeyRange, Schedule, SizeRange, UserShare, Wave, selectors_of

__all__ = [
    "Category",
    "CustomerKeys",
    "DayRange",
    "Endpoint",
    "EndpointPrices",
    "Excluded",
    "KeyList",
    "KeyRange",
    "Migration",
    "Move",
    "PaceLimit",
    "Policy",
    "Prices",
    "RoleName",
    "Schedule",
    "Side",
    "SizeRange",
    "Sse",
    "Transfer",
    "UserShare",
    "VaultPlace",
    "Wave",
    "Worker",
    "selectors_of",
]
