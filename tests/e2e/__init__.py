"""Whole stories, as a person would go through them."""
