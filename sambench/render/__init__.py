"""From records to what people read: the page, the index, the terminal table."""
