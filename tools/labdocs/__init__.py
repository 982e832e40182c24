"""What keeps the documents true: links, commands and generated parts."""
