"""`manage.py demo`: the whole product with a sandbox, from nothing, in one terminal."""

from __future__ import annotations

import os
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from connectors.demo.people import PEOPLE
from connectors.demo.prepare import ALIGN_CONNECTOR_ID, SANDBOX_SECRETS, prepare, prepare_people
from connectors.demo.surroundings import Surroundings, folder_of, surroundings
from connectors.local.children import ChildEnded, Children
from connectors.local.machine import MANAGE, CannotStartHere, alone, start_product, step
from connectors.models import CredentialKind

NOT_CARRIED = "HACK"  # so that there is a project to take over and to import


class Command(BaseCommand):
    help = "Run sandbox, web and worker together, with people and a prepared connector to try. Ctrl-C stops all."
    requires_system_checks: list[str] = []  # the children check themselves, with the demo's own secrets

    def add_arguments(self, parser: CommandParser) -> None:
        # The second step: runs in a child, because only there the demo's secrets are in the settings.
        parser.add_argument("--prepare", action="store_true", help="only make people and a connector")
        parser.add_argument("--empty", action="store_true", help="only make people")
        parser.add_argument("--migrate", action="store_true", help="before either")
        parser.add_argument("--slug", default="acme", help="of the prepared connector")
        parser.add_argument("--sandbox", default="", help="its address, e.g. http://127.0.0.1:8001")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["migrate"]:
            call_command("migrate", verbosity=0)
        if options["empty"]:
            prepare_people(os.environ["DEMO_PASSWORD"])
            return
        if options["prepare"]:
            prepare(slug=options["slug"], sandbox_address=options["sandbox"], password=os.environ["DEMO_PASSWORD"])
            return
        try:
            folder = folder_of(settings.DATA_DIR, os.environ)
            with alone(folder, "demo.lock", what="A demo"):
                self.supervise(surroundings(folder, os.environ))
        except (CannotStartHere, ChildEnded) as error:
            raise CommandError(str(error)) from error

    def supervise(self, where: Surroundings) -> None:
        children = Children(environment=where.environment(), log_dir=where.data_dir / "log")
        children.stop_on_signals()
        try:
            self.stdout.write("Preparing ...")
            self.stdout.flush()
            start_sandbox(children, where)
            what = ("--empty",) if where.is_empty else ("--prepare", "--sandbox", where.sandbox_address)
            step(where.environment(), "demo", "--migrate", *what)
            start_product(children, where.port)
            children.wait_for(f"{where.sandbox_address}/_sandbox/journal")
            children.wait_for(f"{where.address}/healthz")
            if not children.stopping:
                self.announce(where)
            children.watch()
            self.stdout.write("Stopping ...")
        finally:
            children.stop()

    def announce(self, where: Surroundings) -> None:
        people = "\n".join(f"  {person.email:<26}{person.role.label}" for person in PEOPLE)
        self.stdout.write(
            f"\nAlignAdmin is at  {where.address}/\n"
            f"The sandbox is at {where.sandbox_address}/  (Jira Align and Jira)\n\n"
            f"Sign in with the password  {where.password}  as\n{people}\n\n"
            f"{self.to_set_up(where)}"
            f"Data and logs: {where.data_dir}\nCtrl-C ends everything."
        )
        self.stdout.flush()  # a file or a pipe would get it at the end only

    def to_set_up(self, where: Surroundings) -> str:
        """What one types in the set-up of an empty demo."""
        if not where.is_empty:
            return ""
        secrets = "".join(
            f"  {each.system.label:<11}{where.sandbox_address}\n{'':13}{CredentialKind(each.kind).label}"
            f"{f', {each.user}' if each.user else ''}: {each.secret}\n"
            for each in SANDBOX_SECRETS
        )
        return (
            f"There is no connector yet. Set one up with connector {ALIGN_CONNECTOR_ID} of the sandbox:\n{secrets}\n"
            "A start with EMPTY=1 goes on where this one ends; delete its data to begin anew.\n"
        )


def start_sandbox(children: Children, where: Surroundings) -> None:
    """It needs no table of the product, so it comes up while these are made."""
    state = str(where.data_dir / "sandbox.sqlite3")
    sandbox = ["sandbox", "--port", str(where.sandbox_port), "--state", state, "--audit-endpoint", where.audit_endpoint]
    sandbox += ["--not-in-align", NOT_CARRIED]
    children.start("sandbox", [MANAGE, *sandbox])
