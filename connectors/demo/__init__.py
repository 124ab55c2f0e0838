"""The demonstration: sandbox, web and worker as children of one command, with people and a connector to try.

Nothing in here is used by the product: `manage.py demo` and its hidden second step are the only ones that import it.
"""
