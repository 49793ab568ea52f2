"""A synthetic region to clear: riders, gates and collectors of the Yangtze-delta profile, and the truth beside them."""
