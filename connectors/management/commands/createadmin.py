"""`manage.py createadmin EMAIL`: the first person, with every right."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from getpass import getpass
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email

from alignadmin.accounts.people import services as people
from alignadmin.errors import Refused


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
            person = people.add_admin(email, name, password)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        except Refused as refused:
            raise CommandError(str(refused)) from refused
        self.stdout.write(f"{person.email} can sign in as an admin.")

    def _ask(self) -> str:
        if not sys.stdin.isatty():
            raise CommandError(
                "There is no terminal here to ask for the password. Give it on standard input, with --password-stdin."
            )
        try:
            password = getpass("Password: ")
            again = getpass("Password again: ")
        except EOFError as error:
            raise CommandError("No password was typed. Nothing was stored.") from error
        if password != again:
            raise CommandError("The two passwords differ. Nothing was stored.")
        return password
