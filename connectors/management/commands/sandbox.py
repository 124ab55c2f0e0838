"""Runs the sandbox: a stand-in for one Align site and one Jira site."""

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from dataclasses import fields
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from connectors.sandbox.options import SEEDS, SWITCHES, TEXT_SWITCHES, Options
from connectors.sandbox.server import serve
from connectors.sandbox.store import StateError


class Command(BaseCommand):
    help = "Runs a stand-in for one Align site and one Jira site on one port."
    requires_system_checks: list[str] = []

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        kwargs.setdefault("formatter_class", RawDescriptionHelpFormatter)
        return super().create_parser(prog_name, subcommand, **kwargs)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
        parser.add_argument("--port", type=int, default=8001, help="port to listen on; 0 takes a free one")
        parser.add_argument("--state", metavar="FILE", help="file that keeps what was written (default: memory)")
        parser.add_argument("--seed", choices=SEEDS, default="small", help="data set, if the state file holds none yet")
        parser.add_argument(
            "--rate-limit", default="600/60", metavar="N/S", help="Align requests per seconds and address; 0: none"
        )
        parser.add_argument("--block", type=float, default=60.0, metavar="S", help="seconds of 429 after the limit")
        parser.add_argument("--latency", type=int, default=0, metavar="MS", help="wait before every answer")
        _add_switches(parser)

    def handle(self, **given: Any) -> None:
        try:
            options = Options(**{field.name: given[field.name] for field in fields(Options)})
            serve(options, started=lambda line: self.stdout.write(line))
        except (ValueError, StateError) as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"Cannot listen on port {given['port']}: {error.strerror}.") from error


def _add_switches(parser: ArgumentParser) -> None:
    group = parser.add_argument_group(
        "not confirmed", "Choices that Atlassian's documents leave open. The first value is the default."
    )
    for switch in SWITCHES:
        text = f"NOT CONFIRMED: {switch.help}"
        alone: dict[str, Any] = {"nargs": "?", "const": "yes"} if switch.choices == ("no", "yes") else {}
        group.add_argument(switch.flag, choices=switch.choices, default=switch.choices[0], help=text, **alone)
    for each in TEXT_SWITCHES:
        group.add_argument(each.flag, default="", metavar=each.form, help=f"NOT CONFIRMED: {each.help}")
