"""What crosses a boundary: the words, headers and JSON that the platform, its clients and its apps share."""
