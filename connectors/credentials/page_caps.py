"""How many records a site of Align answers at once, kept by site and kind of list for all that read it."""

from __future__ import annotations

from alignadmin.http.address import origin_of
from connectors.align.paging import LearnedCaps
from connectors.models import Connector, PageCap


def caps_of(connector: Connector) -> dict[str, int]:
    """What this connector's Align is known to answer at once, by kind of list."""
    stored = PageCap.objects.filter(site=origin_of(connector.align_site))
    return dict(stored.values_list("family", "largest"))


class StoredCaps:
    """A `connectors.align.paging.PageCaps`; read once, when it is first asked."""

    def __init__(self, site: str) -> None:
        self._site = site
        self._learned = LearnedCaps()
        self._is_read = False

    def of(self, family: str) -> int:
        if not self._is_read:
            for name, largest in PageCap.objects.filter(site=self._site).values_list("family", "largest"):
                self._learned.raise_to(name, largest)
            self._is_read = True
        return self._learned.of(family)

    def raise_to(self, family: str, size: int) -> None:
        if size <= self.of(family):
            return
        self._learned.raise_to(family, size)
        # Several workers may learn at once: each raises what is there, and the larger one stays.
        kept = PageCap.objects.filter(site=self._site, family=family)
        PageCap.objects.bulk_create([PageCap(site=self._site, family=family, largest=size)], ignore_conflicts=True)
        kept.filter(largest__lt=size).update(largest=size)

    def forget(self, family: str) -> None:
        self._learned.forget(family)
        PageCap.objects.filter(site=self._site, family=family).delete()
