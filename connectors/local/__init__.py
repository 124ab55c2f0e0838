"""Processes of one installation on this machine, started and watched together: by `manage.py serve` and by the demo."""
