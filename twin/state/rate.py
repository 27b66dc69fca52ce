"""How often something comes, over the last minute, in constant memory."""

_BUCKET_S = 5.0
_BUCKETS = 12


class RateWindow:
    """How many messages a second came over the last minute, in buckets of five seconds. Reading changes nothing."""

    __slots__ = ("_buckets", "_counts", "_first_s")

    def __init__(self) -> None:
        self._counts = [0] * _BUCKETS
        self._buckets = [0] * _BUCKETS  # which five seconds each count belongs to
        self._first_s: float | None = None

    def add(self, at_s: float) -> None:
        """Count one message at `at_s` (POSIX time)."""
        if self._first_s is None:
            self._first_s = at_s
        bucket = int(at_s // _BUCKET_S)
        slot = bucket % _BUCKETS
        if self._buckets[slot] != bucket:
            self._buckets[slot], self._counts[slot] = bucket, 0
        self._counts[slot] += 1

    def per_s(self, now_s: float) -> float:
        """Messages a second over the last minute, or since the first message when that is more recent."""
        if self._first_s is None:
            return 0.0
        oldest = int(now_s // _BUCKET_S) - _BUCKETS
        counted = sum(count for bucket, count in zip(self._buckets, self._counts, strict=True) if bucket > oldest)
        return counted / min(_BUCKET_S * _BUCKETS, max(1.0, now_s - self._first_s))
