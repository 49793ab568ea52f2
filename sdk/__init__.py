"""The kit of vendors and bench engineers: layouts, test keys and codes, dissection, conformance, the `yima` command."""
