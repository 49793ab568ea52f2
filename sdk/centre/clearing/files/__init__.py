"""What institutions get and send: fixed-width files as the national clearing has them, CSV and Parquet beside them."""
