"""Clearing: from what devices said to who owes whom, as tables that are only ever added to."""
