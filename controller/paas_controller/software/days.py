"""Days and moments in the controller's zone: which day a change belongs to, and what `MMDD` means today."""

import re
from datetime import UTC, date, datetime, tzinfo
from zoneinfo import ZoneInfo

from paas_controller.base.errors import Invalid


class Days:
    """The controller's calendar; an empty zone name means the system's own zone."""

    def __init__(self, zone: str = "") -> None:
        self._zone: tzinfo | None = ZoneInfo(zone) if zone else None

    def _local(self, at: float) -> datetime:
        return datetime.fromtimestamp(at, UTC).astimezone(self._zone)

    def day_of(self, at: float) -> str:
        """YYYY-MM-DD of a moment (UTC seconds)."""
        return self._local(at).date().isoformat()

    def written(self, at: float) -> str:
        """YYYY-MM-DD HH:MM:SS, as CreateAt is written."""
        return self._local(at).strftime("%Y-%m-%d %H:%M:%S")

    def named(self, name: str, now: float) -> str:
        """The day that `MMDD` (the latest such day, today included) or `YYYY-MM-DD` names; Invalid otherwise."""
        try:
            if re.fullmatch(r"\d{4}-\d{2}-\d{2}", name, re.ASCII):
                return date.fromisoformat(name).isoformat()
            if re.fullmatch(r"\d{4}", name, re.ASCII):
                return self._latest(int(name[:2]), int(name[2:]), self._local(now).date()).isoformat()
        except ValueError:
            pass
        raise Invalid(f"{name!r} names no day; a day is MMDD, as in 0628, or YYYY-MM-DD")

    @staticmethod
    def _latest(month: int, day: int, today: date) -> date:
        # The 29th of February may lie eight years back.
        for year in range(today.year, max(today.year - 9, 0), -1):
            try:
                found = date(year, month, day)
            except ValueError:
                continue
            if found <= today:
                return found
        raise ValueError
