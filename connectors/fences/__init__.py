"""Write fences at a source: by policies of its users, by the bucket's own policy, by its quota.

What a kind does to a store is known only once a write as the application was refused: `relocation/stages/fence.py` tries it.
"""

from __future__ import annotations

from connectors.fences.when_needed import FencesWhenNeeded

__all__ = ["FencesWhenNeeded"]
