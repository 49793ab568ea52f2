"""Codes that only their issuer can verify: who is asked (`http`), and what is made of the answer (`resolving`)."""
