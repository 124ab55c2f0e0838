#!/usr/bin/env python
"""AlignAdmin's command line."""

import gc
import os
import sys


def main() -> None:
    gc.set_threshold(20_000, 20, 20)  # what a start loads stays: to look for garbage among it took a sixth of the start
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
