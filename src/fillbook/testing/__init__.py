"""Tables and databases made to order, for tests, benchmarks and the demo."""
