"""The page owners of bots live on, a module a section."""
