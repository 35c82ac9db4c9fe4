"""Sizes as text for a person."""


def human(size: float) -> str:
    """Bytes for a person: `1.07 GB` (powers of 1000)."""
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if size < 999.5 or unit == "TB":
            return f"{size:.3g} {unit}"
        size /= 1000
    raise AssertionError
