"""The referee: derivatives against witnesses that do not share their rules."""

from jaccli.verify.referee import check
from jaccli.verify.report import CheckReport, Row

__all__ = ["CheckReport", "Row", "check"]
