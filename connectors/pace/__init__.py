"""The pace of each endpoint: one gate that all its stores in this process go through, and the keeper that hears of orders."""
