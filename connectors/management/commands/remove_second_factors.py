"""`manage.py remove_second_factors EMAIL`: for somebody who lost their second factor and every recovery code."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from alignadmin.accounts.models import Person
from alignadmin.accounts.people import services
from alignadmin.errors import Refused


class Command(BaseCommand):
    help = "Take every second factor off a person; they sign in by password and add another."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")

    def handle(self, *args: Any, email: str, **options: Any) -> None:
        person = Person.objects.filter(email=email.lower()).first()
        if person is None:
            raise CommandError(f"Nobody here has the e-mail address {email}.")
        try:
            services.remove_factors(person, actor=None)
        except Refused as refused:
            raise CommandError(str(refused)) from refused
        self.stdout.write(f"{person.email} signs in by password now; the history tells of it.")
