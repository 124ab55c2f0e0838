"""The pure part of the product: what mappings mean, how they are reconciled, checked, planned and drawn.

Nothing in here knows Django, HTTP or the clock.
"""
