"""What an admin has set for the whole installation, on the settings page: the operator's environment is the start.

A room declares its settings in a module `preferences.py` and asks each for its value where it is needed. What is chosen
is read once for each request and for each turn of a worker, and again after 30 seconds of it: nobody has to restart.
"""
