"""Which issues of a project are imported, and where their items land: what is decided in step 7. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

SUBJECT = "scope"  # of the lines in which it is decided: their keys are a place and a part
SHARED = "shared"  # the place of all projects that have nothing of their own; else Jira's id of a project


@dataclass(frozen=True, kw_only=True)
class Landing:
    """Where imported items land, as ids of Align; None: nowhere in particular. They can be moved later."""

    program_id: int | None = None
    release_id: int | None = None  # of a program increment
    team_id: int | None = None


@dataclass(frozen=True, kw_only=True)
class ImportScope:
    """`jql`: what people typed, without project and order; empty: every issue. `with_closed`: done ones, too."""

    jql: str = ""
    with_closed: bool = False
    landing: Landing = field(default_factory=Landing)
