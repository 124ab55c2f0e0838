"""How this site answers where the documents are silent, and what it says when it refuses."""

from dataclasses import dataclass


class ObjectRefusal(Exception):
    """A request that is not carried out: the status, what it is about, and a sentence."""

    def __init__(self, status: int, message: str, about: str = "") -> None:
        super().__init__(message)
        self.status, self.message, self.about = status, message, about


@dataclass(frozen=True, kw_only=True)
class Ways:
    """The switches of the sandbox that concern objects, each as its help says."""

    lenient: bool = False
    bare_options: bool = False  # honoured
    external_key: bool = True  # writable
    state_writable: bool = True
    recycle: bool = True
    custom_in_record: bool = True
    page_limit: int = 100
    top_over_limit: str = "clamp"
