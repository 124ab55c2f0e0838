"""`manage.py createadmin EMAIL`: the first person, with every right."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from getpass import getpass
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email
from django.db import transaction

from connectors.audit import trail
from connectors.models import Person, Role


class Command(BaseCommand):
    help = "Add an admin. Asks for the password, or reads it from standard input."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--name", default="", help="as shown in the history; default: the e-mail")
        parser.add_argument("--password-stdin", action="store_true", help="read the password from standard input")

    def handle(self, *args: Any, email: str, name: str, password_stdin: bool, **options: Any) -> None:
        password = sys.stdin.readline().rstrip("\n") if password_stdin else self._ask()
        try:
            validate_email(email)
            validate_password(password, Person(email=email, name=name))
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        if Person.objects.filter(email=email.lower()).exists():
            raise CommandError(f"{email} is already here. Sign in, or choose another address.")
        with transaction.atomic():
            person = Person.objects.create_user(email, password, name=name or email, role=Role.ADMIN)
            trail.append(
                "person.added",
                actor=None,
                connector=None,
                subject=f"person {person.pk}",
                sentence=f"Added {person} as an admin by command.",
                data={"email": person.email, "role": person.role},
            )
        self.stdout.write(f"{person.email} can sign in as an admin.")

    def _ask(self) -> str:
        password = getpass("Password: ")
        if password != getpass("Password again: "):
            raise CommandError("The two passwords differ. Nothing was stored.")
        return password
