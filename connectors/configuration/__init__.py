"""The configuration file: found, read, and every problem of it named at once.

`find` says which file, `read` gives the typed migration, `check_credentials` looks whether what it refers to can be had, and
`read_prices` reads the prices. All refuse with one `ConfigurationError` that holds every problem with its place in the file.
May import: the core, pyyaml, pydantic.
"""

from connectors.configuration.reader import check_credentials, find, read, read_prices

__all__ = ["check_credentials", "find", "read", "read_prices"]
