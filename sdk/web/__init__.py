"""The bench in a browser: one folder of plain files, `page/`, that works from a disk or from any web server."""
