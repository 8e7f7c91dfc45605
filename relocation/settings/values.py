"""What the configuration's values have in common: each type is one normal form, checked by a pure function of `rules/values.py`."""

from __future__ import annotations

import datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from relocation.rules import values
from relocation.rules.cron import cron

KIB, MIB, GIB = 1024, 1024**2, 1024**3

Slug = Annotated[str, AfterValidator(values.slug)]
Country = Annotated[str, AfterValidator(values.country)]
BucketName = Annotated[str, AfterValidator(values.bucket)]
KeyPrefix = Annotated[str, AfterValidator(values.key_prefix)]
TimeZone = Annotated[str, AfterValidator(values.timezone)]
Cron = Annotated[str, AfterValidator(cron)]
Day = Annotated[datetime.date, BeforeValidator(values.day)]
Reference = Annotated[str, AfterValidator(values.credential_reference)]
FilePath = Annotated[Path, AfterValidator(values.file_path)]
Bytes = Annotated[int, BeforeValidator(values.byte_size)]
Count = Annotated[int, Field(strict=True)]
StorageClass = Annotated[str, Field(pattern="^[A-Z][A-Z0-9_]{0,59}$")]
CannedAcl = Annotated[str, AfterValidator(values.canned_acl)]
Seconds = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Money = Annotated[Decimal, Field(ge=0, allow_inf_nan=False)]


class Settings(BaseModel):
    """What all of them share: frozen, and no unknown name gets in."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, hide_input_in_errors=True)
