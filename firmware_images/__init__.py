"""The reference firmware: sources (app, boards), and how an image is built, signed and checked.

Nothing here is needed to validate codes on a host; a vendor starts here to put the same core on a gate controller.
"""
