#!/usr/bin/env python
"""AlignAdmin's command line."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "alignadmin.settings")
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except Exception as error:
        from alignadmin import starting

        if sentence := starting.sentence_of(error):
            sys.exit(sentence)
        raise


if __name__ == "__main__":
    main()
