"""AWS's list prices, with their date and sources, from `prices.json` beside this module."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Self

PRICES = Path(__file__).with_name("prices.json")
_BYTES_PER_GB = 1024**3
_MEGABYTES_PER_GB = 1024


@dataclass(frozen=True, slots=True)
class Prices:
    """In US dollars; `as_of` is the day on which they were looked up."""

    lambda_gb_second: float
    lambda_request: float
    log_gb: float
    queue_request: float
    as_of: str
    region: str

    @classmethod
    def load(cls, path: Path = PRICES) -> Self:
        """The prices of a file."""
        table = json.loads(path.read_text(encoding="utf-8"))
        usd = {name: float(price["usd"]) for name, price in table["prices"].items()}
        return cls(**usd, as_of=table["as_of"], region=table["region"])

    def of_function(self, seconds: float, requests: float, memory_megabytes: float) -> float:
        """So many billed seconds and requests of a function of that size."""
        return self.lambda_gb_second * seconds * memory_megabytes / _MEGABYTES_PER_GB + self.lambda_request * requests

    def of_log(self, megabytes: float) -> float:
        """So much written to CloudWatch Logs, in MB of a million bytes."""
        return self.log_gb * megabytes * 1_000_000 / _BYTES_PER_GB
