"""An incomplete installation says what is missing and where it was looked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from brmspy import resources
from brmspy.errors import BrmspyError


@pytest.mark.parametrize("place", ["brmspy/_templates", "templates"])
def test_templates_are_found_inside_and_beside_the_package(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / place).mkdir(parents=True)
    monkeypatch.setattr(resources, "_PACKAGE", tmp_path / "brmspy")
    assert resources.templates_directory() == tmp_path / place


def test_missing_templates_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "_PACKAGE", tmp_path / "brmspy")
    with pytest.raises(BrmspyError, match=r"incomplete.*_templates or .*templates.*reinstall"):
        resources.templates_directory()
