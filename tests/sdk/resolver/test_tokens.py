"""The file of tokens that a bench resolver knows: any bytes are tokens or one error, and no token is in it."""

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import example, given
from hypothesis import strategies as st

from yima.sdk.resolver.tokens import TOKEN_MAX, read_tokens
from yima.validator.errors import ResolverError
from yima.validator.ports import Answer

LINES = st.sampled_from(
    [
        "accept a",
        "refuse a",
        "accept hex:00ff",
        "accept hex:0",
        "# said",
        "",
        "accept",
        "accept  ",
        "perhaps b",
        "accept\tc",
    ]
)


@given(st.binary(max_size=200) | st.lists(LINES).map(lambda lines: "\n".join(lines).encode()))
@example(b"\xff")
@example(b"accept hex:\n")
@example(b"accept " + b"x" * (TOKEN_MAX + 1))
@example("accept １\u2028refuse ２".encode())
def test_any_bytes_are_tokens_or_one_error(content: bytes) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "tokens")
        path.write_bytes(content)
        try:
            tokens = read_tokens(path)
        except ResolverError as refused:
            assert str(path) in refused.thing
            assert not any(word in str(refused) for word in ("hex:00ff", "hex:0\n"))
            return
    assert all(0 < len(token) <= TOKEN_MAX and isinstance(answer, Answer) for token, answer in tokens.items())
