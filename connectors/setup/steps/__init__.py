"""The guided set-up: ten steps, each worked out of what is known: what was checked, what is wrong, how to mend it."""
