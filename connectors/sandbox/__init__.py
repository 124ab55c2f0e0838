"""A working stand-in for one Align site and one Jira site, over real HTTP on one port."""
