"""What tests of verbs share: the server that forks a `yima` process."""

import pytest

from tests.forked import server_of


@pytest.fixture(scope="session")
def forking(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Its socket."""
    return server_of(tmp_path_factory)
