"""The collector: takes the batches of devices, keeps them, and says how far it has each journal."""
