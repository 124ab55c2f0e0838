"""The product's own modules as they are written: what each imports, and where."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests import ROOT

FLOORS = ("alignadmin", "connectors", "mappings")


@dataclass(frozen=True, kw_only=True)
class Module:
    name: str  # dotted
    path: Path
    tree: ast.Module

    @property
    def room(self) -> str:
        """A folder; the files beside subfolders are a room of their own."""
        return str(self.path.parent.relative_to(ROOT))


@dataclass(frozen=True, kw_only=True)
class Import:
    importer: Module
    imported: str  # the module, also where only a name in it is imported
    line: int
    is_inside: bool  # a function


@cache
def modules() -> dict[str, Module]:
    found = {}
    for floor in FLOORS:
        for path in sorted((ROOT / floor).rglob("*.py")):
            if "migrations" in path.parts:
                continue
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            found[name] = Module(name=name, path=path, tree=ast.parse(path.read_text()))
    return found


@cache
def imports() -> tuple[Import, ...]:
    """Of our own modules by our own modules, those that only annotations need among them."""
    return tuple(each for module in modules().values() for each in _imports_of(module))


def _imports_of(module: Module) -> Iterator[Import]:
    functions = [node for node in ast.walk(module.tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    inside = {id(node) for function in functions for node in ast.walk(function)}
    for node in ast.walk(module.tree):
        for name in _named(node, module):
            if found := _module_of(name):
                yield Import(importer=module, imported=found, line=node.lineno, is_inside=id(node) in inside)  # type: ignore[attr-defined]


def _named(node: ast.AST, module: Module) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if not isinstance(node, ast.ImportFrom):
        return []
    base = node.module or ""
    if node.level:
        package = module.name if module.path.name == "__init__.py" else module.name.rpartition(".")[0]
        parts = package.split(".")[: len(package.split(".")) - node.level + 1]
        base = ".".join([*parts, base] if base else parts)
    return [f"{base}.{alias.name}" for alias in node.names]


def _module_of(name: str) -> str:
    """The longest part of the name that is a module of ours; empty for others'."""
    while name and name not in modules():
        name = name.rpartition(".")[0]
    return name
