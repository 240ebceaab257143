"""The pages, one module or package each."""
