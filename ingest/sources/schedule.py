"""When a source is due. Cron (or a systemd timer) starts ``ingest sync``; this says for what.

``always`` (every sync), ``manual`` (only when named), ``every 30m|6h|2d``, ``hourly``,
``daily [HH:MM]``, ``weekly DAY [HH:MM]``, ``monthly [D] [HH:MM]``; days are mon ... sun, times are
local.
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from assistant.errors import SettingsError

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_UNITS = {"m": 60, "h": 3600, "d": 86400}
_FORM = re.compile(
    r"(?P<plain>always|manual|hourly)"
    r"|every (?P<count>[1-9]\d{0,3})(?P<unit>[mhd])"
    r"|daily(?: (?P<daily>\d\d?:\d\d))?"
    rf"|weekly (?P<day>{'|'.join(DAYS)})(?: (?P<weekly>\d\d?:\d\d))?"
    r"|monthly(?: (?P<date>[1-9]|[12]\d|3[01]))?(?: (?P<monthly>\d\d?:\d\d))?"
)
#: Cron starts a little earlier or later each time; an interval that is nearly over is over.
_SLACK = 0.05


@dataclass(frozen=True)
class Schedule:
    """A schedule as it is written.

    Raises:
        SettingsError: it is none of the forms above.
    """

    text: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", " ".join(self.text.lower().split()))
        found = _FORM.fullmatch(self.text)
        if found is None or not _is_time(self._time(found)):
            raise SettingsError(
                "{text!r} is no schedule: write always, manual, hourly, every 6h, daily 03:00, "
                "weekly mon 03:00 or monthly 1 03:00.",
                "{text!r} 不是有效的计划：请写 always、manual、hourly、every 6h、daily 03:00、"
                "weekly mon 03:00 或 monthly 1 03:00。",
                text=self.text,
            )

    def is_due(self, last: float | None, now: float) -> bool:
        """Whether a source that was last begun at ``last`` (None: never) is to be run at ``now``;
        both in seconds since the epoch."""
        if self.text == "manual":
            return False
        if self.text == "always" or last is None:
            return True
        if interval := self._interval():
            return now - last >= interval * (1 - _SLACK)
        return last < self._latest(datetime.fromtimestamp(now)).timestamp()

    def _interval(self) -> int:
        """Seconds, 0 where the schedule names times of day."""
        if self.text == "hourly":
            return 3600
        found = _FORM.fullmatch(self.text)
        if found is None or not found["count"]:
            return 0
        return int(found["count"]) * _UNITS[found["unit"]]

    def _latest(self, now: datetime) -> datetime:
        """The last time at or before ``now`` that the schedule names."""
        found = _FORM.fullmatch(self.text)
        if found is None:  # checked when it was made
            raise AssertionError(self.text)
        hour, minute = map(int, self._time(found).split(":"))
        at = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
        if found["day"]:
            at -= timedelta(days=(at.weekday() - DAYS.index(found["day"])) % 7)
            return at if at <= now else at - timedelta(days=7)
        if self.text.startswith("monthly"):
            at = _on_day(at, int(found["date"] or 1))
            return at if at <= now else _on_day(at.replace(day=1) - timedelta(days=1), at.day)
        return at if at <= now else at - timedelta(days=1)

    @staticmethod
    def _time(found: re.Match[str]) -> str:
        return found["daily"] or found["weekly"] or found["monthly"] or "00:00"


def _is_time(text: str) -> bool:
    hour, minute = map(int, text.split(":"))
    return hour < 24 and minute < 60


def _on_day(moment: datetime, day: int) -> datetime:
    """``moment`` on that day of its month, or on the last of a shorter month."""
    last = calendar.monthrange(moment.year, moment.month)[1]
    return moment.replace(day=min(day, last))
