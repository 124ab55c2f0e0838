"""What a connector's Align was seen to answer where its documents contradict themselves or stay silent.

Read once a day and by a click, stored as facts, used, and told when one changes; see `job` for the order of it.
"""
