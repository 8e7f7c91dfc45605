"""One small file a command. Each imports what it needs when it runs, prints what came of it and returns its exit code.

May import: `hikkoshi`'s own modules, connectors, the core, typer and rich; a command never imports another but `waves`.
"""
