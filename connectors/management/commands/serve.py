"""`manage.py serve`: an installation for real on this machine: web and worker, no sandbox, nobody made up."""

from __future__ import annotations

import os
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from alignadmin import own_settings
from alignadmin.accounts.models import Person, Role
from connectors.local.children import ChildEnded, Children
from connectors.local.machine import HOST, MANAGE, CannotStartHere, alone, port_of, refuse_taken, start_product, step


class Command(BaseCommand):
    help = "Run web and worker on this machine, with their own keys in DATA_DIR. Ctrl-C stops both."
    requires_system_checks: list[str] = []  # the children check themselves, with the keys

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with alone(settings.DATA_DIR, "serve.lock", what="An installation"):
                self.supervise()
        except (CannotStartHere, ChildEnded) as error:
            raise CommandError(str(error)) from error

    def supervise(self) -> None:
        if (settings.DATA_DIR / "demo.json").exists():
            raise CannotStartHere(
                f"{settings.DATA_DIR} holds the demo's data; choose another DATA_DIR: make serve DATA_DIR=..."
            )
        port = port_of(os.environ, "PORT", 8000)
        refuse_taken("PORT", port, command="make serve")
        if own_settings.make_once(settings.DATA_DIR):
            self.stdout.write(f"Made keys in {own_settings.file_in(settings.DATA_DIR)}: keep a copy in a safe place.")
        address = f"http://{HOST}:{port}"
        environment = {"PUBLIC_ADDRESS": address} | os.environ | {"DATA_DIR": str(settings.DATA_DIR)}
        environment["PYTHONUNBUFFERED"] = "1"
        children = Children(environment=environment, log_dir=settings.DATA_DIR / "log")
        children.stop_on_signals()
        try:
            self.stdout.write("Preparing ...")
            self.stdout.flush()
            step(environment, "migrate", "--verbosity", "0")
            step(environment, "collectstatic", "--noinput", "--verbosity", "0")
            start_product(children, port)
            children.wait_for(f"{address}/healthz")
            if not children.stopping:
                self.announce(address)
            children.watch()
            self.stdout.write("Stopping ...")
        finally:
            children.stop()

    def announce(self, address: str) -> None:
        command = f"DATA_DIR={settings.DATA_DIR} {sys.executable} {MANAGE}"
        create = f"{command} createadmin you@example.com --name 'Your Name'"
        has_admin = Person.objects.filter(role=Role.ADMIN, is_active=True).exists()
        first = "" if has_admin else f"There is no admin yet. In another terminal:\n  {create}\n\n"
        self.stdout.write(
            f"\nAlignAdmin is at  {address}/\n\n{first}"
            f"Data, keys and logs: {settings.DATA_DIR}\nCtrl-C stops web and worker."
        )
        self.stdout.flush()  # a file or a pipe would get it at the end only
