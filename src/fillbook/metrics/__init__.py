"""One number each: pure functions of arrays, registered once for page, CLI, report and docs."""
