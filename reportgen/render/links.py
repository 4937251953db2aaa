"""Where the parts of a report are: all on one page, or on several that lead to one another."""

from __future__ import annotations

from typing import Protocol

INDEX = "index.html"
"""The page that a reader opens."""


def page_name(page: int) -> str:
    """Return the file name of the page number ``page``, counted from 1."""
    return f"page-{page}.html"


class Links(Protocol):
    """What a page asks where another part of the report is."""

    def image_href(self, number: int) -> str:
        """Return the address of the image ``number``, counted from 1 in the whole run.

        It ends in the anchor ``#image-N``, to which ``-target-T`` may be added.
        """
        ...

    def part_href(self, anchor: str) -> str:
        """Return the address of ``anchor``, which is no image: a section, or a part of one."""
        ...


class OnePage:
    """Everything is on the page itself."""

    def image_href(self, number: int) -> str:
        """Return the image's anchor."""
        return f"#image-{number}"

    def part_href(self, anchor: str) -> str:
        """Return the anchor."""
        return f"#{anchor}"


class Paged:
    """An index, and pages with so many images each.

    Parameters
    ----------
    page_size
        Images on a page.
    """

    def __init__(self, page_size: int) -> None:
        self._page_size = page_size
        self.page = 0
        """Number of the page that is being written, from 1; 0 for the index."""
        self.parts: frozenset[str] = frozenset()
        """Anchors of sections that the page being written has itself."""

    def page_of(self, number: int) -> int:
        """Return the number of the page that has the image ``number``."""
        return (number - 1) // self._page_size + 1

    def image_href(self, number: int) -> str:
        """Return the image's anchor, after its page's name where that is another page."""
        page = self.page_of(number)
        return f"{'' if page == self.page else page_name(page)}#image-{number}"

    def part_href(self, anchor: str) -> str:
        """Return the anchor, after the index's name where the page itself does not have it."""
        here = self.page == 0 or anchor in self.parts
        return f"{'' if here else INDEX}#{anchor}"
