"""Who may import whom, and that what is public is documented.

The packages of brmspy are a road with one direction; a package knows only what lies before it.
"""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import brmspy

PACKAGE = Path(brmspy.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
ROOMS = sorted({path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()})

# Modules that belong to no room may be imported by every room.
SHARED = {"errors", "markup", "resources", "_version"}

BEFORE_PROGRAM = {"formula", "nonlinear", "selfstart", "data", "families", "priors"}
MAY_IMPORT: dict[str, set[str]] = {
    "formula": set(),
    "nonlinear": {"formula"},
    "data": {"formula"},
    "families": set(),
    "selfstart": {"formula", "nonlinear"},
    "priors": {"formula", "nonlinear", "selfstart", "data", "families"},
    "pilot": BEFORE_PROGRAM,
    "program": {*BEFORE_PROGRAM, "pilot"},
    "engine": set(),
    "fit": {*BEFORE_PROGRAM, "program", "engine"},
    "fitting": {*BEFORE_PROGRAM, "program", "engine", "fit", "predict", "model"},
    "predict": {*BEFORE_PROGRAM, "program", "fit"},
    "parameters": {*BEFORE_PROGRAM, "program", "fit", "predict"},
    "apriori": {*BEFORE_PROGRAM, "program", "fit"},
    "hypotheses": {*BEFORE_PROGRAM, "program", "fit", "predict", "apriori"},
    "words": {*BEFORE_PROGRAM, "program", "fit"},
    "drawing": set(),
    "grids": {"formula", "data", "families", "fit"},
    "effects": {"formula", "data", "families", "fit", "predict", "grids", "drawing"},
    "growth": {"formula", "nonlinear", "data", "fit", "predict", "grids", "drawing"},
    "plots": {
        *BEFORE_PROGRAM,
        "program",
        "fit",
        "predict",
        "grids",
        "drawing",
        "apriori",
        "growth",
        "model",
    },
    "several": {*BEFORE_PROGRAM, "fit", "fitting"},
    "checks": {*BEFORE_PROGRAM, "fit", "fitting", "predict"},
    "twin": {*BEFORE_PROGRAM, "program", "fit", "predict", "drawing", "model"},
    "datasets": set(),
}

# The only rooms that use each of these libraries.
KEEPERS: dict[str, set[str]] = {
    "arviz": {"checks", "drawing", "effects", "fit", "plots"},
    "cmdstanpy": {"engine"},
    "filelock": {"engine"},
    "formulae": {"data"},
    "gpboost": {"twin"},
    "h5netcdf": {"fit"},
    "httpstan": {"engine"},
    "jinja2": {"program"},
    "matplotlib": {"drawing", "plots", "twin"},
    "narwhals": {"data"},
    "statsmodels": {"twin"},
    "tqdm": {"engine"},
    "xarray": {"checks", "effects", "fit", "growth", "hypotheses", "parameters", "predict"},
}


def room_of(path: Path) -> str | None:
    """Return the package of brmspy that holds a module, or None for a module at the top."""
    parts = path.relative_to(PACKAGE).parts
    return parts[0] if len(parts) > 1 else None


def imports(path: Path) -> Iterator[str]:
    """Yield the dotted name of every module that a module imports, at any depth."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            assert node.module is not None
            if node.module == "brmspy":
                yield from (f"brmspy.{alias.name}" for alias in node.names)
            else:
                yield node.module


def named(path: Path) -> str:
    return path.relative_to(PACKAGE.parent).as_posix()


def test_every_room_has_its_rule() -> None:
    assert set(ROOMS) <= set(MAY_IMPORT)


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_imports_follow_the_road(path: Path) -> None:
    room = room_of(path)
    if room is None and path.stem not in SHARED:
        return
    allowed = {room, *SHARED, *(MAY_IMPORT[room] if room else ())}
    used = {name.split(".")[1] for name in imports(path) if name.startswith("brmspy.")}
    assert used <= allowed, f"{named(path)} imports from {sorted(used - allowed)}"


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_libraries_stay_in_their_rooms(path: Path) -> None:
    room = room_of(path)
    libraries = {name.split(".")[0] for name in imports(path)} - {"brmspy"}
    foreign = {name for name in libraries if room not in KEEPERS.get(name, {room})}
    if room == "formula":
        foreign |= libraries - sys.stdlib_module_names
    assert not foreign, f"{named(path)} imports {sorted(foreign)}"


def sections(docstring: str) -> dict[str, str]:
    """Split a numpydoc docstring into its titled sections."""
    parts = re.split(r"^(\w[\w ]*)\n-{3,}\n", docstring, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def documented_names(section: str) -> set[str]:
    """Return the parameter names at the left margin of a Parameters section."""
    heads = re.findall(r"^(\S[^:\n]*?)(?: *:.*)?$", section, flags=re.MULTILINE)
    return {name.strip().lstrip("*") for head in heads for name in head.split(",")}


def undocumented(name: str, thing: Callable[..., object]) -> Iterator[str]:
    """Yield what the docstring of a public function or class lacks."""
    docstring = inspect.getdoc(thing) or ""
    if not docstring:
        yield f"{name}: no docstring"
        return
    found = sections(docstring)
    if inspect.isclass(thing):
        if not dataclasses.is_dataclass(thing):
            return
        described = documented_names(found.get("Parameters", "") + found.get("Attributes", ""))
        wanted = {field.name for field in dataclasses.fields(thing) if field.name[0] != "_"}
    else:
        described = documented_names(found.get("Parameters", ""))
        signature = inspect.signature(thing)
        wanted = set(signature.parameters)
        returns = signature.return_annotation not in (None, "None", "NoReturn")
        if returns and not found.keys() & {"Returns", "Yields"}:
            yield f"{name}: no Returns section"
    for missing in sorted(wanted - described):
        yield f"{name}: {missing} is not described"


@pytest.mark.parametrize("package", ["brmspy", *(f"brmspy.{room}" for room in ROOMS)])
def test_public_names_are_documented(package: str) -> None:
    module = importlib.import_module(package)
    names = vars(module)["__all__"]
    assert len(set(names)) == len(names)
    public = {name: getattr(module, name) for name in names}
    problems = [
        problem
        for name, thing in public.items()
        if callable(thing) and getattr(thing, "__module__", "").startswith("brmspy")
        for problem in undocumented(name, thing)
    ]
    assert problems == []


def test_public_functions_have_examples() -> None:
    public = {name: getattr(brmspy, name) for name in vars(brmspy)["__all__"]}
    without = [
        name
        for name, thing in public.items()
        if inspect.isfunction(thing)
        and ">>>" not in sections(inspect.getdoc(thing) or "").get("Examples", "")
    ]
    assert without == []
