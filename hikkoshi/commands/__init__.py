"""One small file a command. Each imports what it needs when it runs, prints what came of it and returns its exit code."""
