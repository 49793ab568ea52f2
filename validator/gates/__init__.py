"""Gates that need no hardware; those of a board or a simulator come by entry point."""
