"""A resolver service for benches: answers for codes that only their issuer can verify."""
