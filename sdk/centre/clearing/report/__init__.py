"""What a cleared day comes to: figures from the tables, and a page of them that stands alone."""
