"""All claims, in the order of their rooms."""

from tests.contract import claims_care, claims_keys, claims_listing, claims_reading, claims_uploads, claims_versions, claims_writing
from tests.contract.lab import CLAIMS, Claim

ROOMS = (claims_reading, claims_writing, claims_listing, claims_uploads, claims_versions, claims_care, claims_keys)
ALL: tuple[Claim, ...] = tuple(CLAIMS.by_name.values())
