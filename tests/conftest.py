"""Fixtures for all tests: real servers, started once a session when a test first asks for one."""

pytest_plugins = ["tests.servers"]
