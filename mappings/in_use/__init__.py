"""How many issues sit in each status now: counted by a click, and by the clock where no mapping knows the status."""
