"""The house rules, held to by reading the source and by looking at a fresh process."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import semdev as sd

ROOT = Path(__file__).resolve().parent.parent
SOURCE = sorted((ROOT / "semdev").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("test_*.py"))
PUBLIC = [
    name for name in sd.__all__
    if inspect.isroutine(getattr(sd, name)) or inspect.isclass(getattr(sd, name))
]  # fmt: skip

# Who may import whom: a file may import files of lower rank, and those of its own folder.
RANK = {
    "_version": 0, "_names": 0, "_progress": 0, "_files": 0, "_json": 0, "threads": 0, "memory": 0,
    "_commands": 0, "_html": 0, "_display": 0, "_measured": 0, "showing": 6.7,
    "factored": 0.5, "data": 1, "models.networks": 1,
    "models.closed_forms": 1, "models.coherence": 1, "learning_rules": 1,
    "models.decomposition": 2, "models.flow": 2, "models.depth": 2, "models.single_units": 2,
    "models.spectra": 2, "models.rumelhart": 1.5, "layers": 1, "history": 2, "storing": 2.1,
    "recording": 2,
    "building": 2,
    "counterparts": 2, "presenting": 2, "ensembles": 3, "settings": 3.5, "running": 3.7,
    "models.following": 2.5, "models.truncation": 1.5,
    "models.chains": 3, "models.plateaus": 3, "models.constant": 3, "models.solving": 3,
    "models.lesions": 3,
    "models.pretraining": 4, "theory": 4, "training": 4, "rebuilding": 4, "measures": 4,
    "interventions": 5, "landscape": 5, "damaging": 5, "sweeps": 5, "models.rivals": 3,
    "learners": 4.2, "phenomena": 5.5, "behaviour": 4.5, "comparing": 6.5, "plots": 5, "papers": 6,
    "explorer": 6.7, "asking": 6.7, "completing": 6.7, "cli": 7,
}  # fmt: skip
ONLY_IN = {
    "torch": {
        "models.networks",
        "models.rumelhart",
        "presenting",
        "rebuilding",
        "layers",
        "damaging",
        "settings",
        "building",
        "counterparts",
        "learning_rules",
        "ensembles",
        "running",
        "training",
        "sweeps",
        "interventions",
        "landscape",
    },
    "matplotlib": {"plots", "papers", "asking"},
}


def room(path: Path) -> str:
    """Return the room a source file stands in: "data", "models.solving", "cli", …"""
    parts = path.relative_to(ROOT / "semdev").with_suffix("").parts
    return ".".join(parts[:2]) if parts[0] == "models" and parts[1] != "__init__" else parts[0]


def imports(path: Path) -> list[str]:
    """Return every module that a file imports, wherever in it."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return found


def room_of_import(name: str) -> str | None:
    parts = name.split(".")
    if parts[0] != "semdev" or len(parts) == 1:
        return None
    two = ".".join(parts[1:3])
    return two if two in RANK else parts[1]


@pytest.mark.parametrize("path", SOURCE, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_go_down_only(path: Path) -> None:
    if path.name == "__init__.py" and path.parent.name in ("semdev", "models"):
        assert not [n for n in imports(path) if room_of_import(n)] or path.parent.name == "semdev"
        return
    here = room(path)
    assert here in RANK, f"{path} stands in no known room; give it a rank"
    for name in imports(path):
        there = room_of_import(name)
        if there is not None and there != here and there in RANK:
            assert RANK[there] < RANK[here], f"{here} imports {there} ({name})"
        for library, allowed in ONLY_IN.items():
            if name.split(".")[0] == library:
                assert here in allowed, f"{here} imports {library}"


def in_fresh_process(code: str) -> str:
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return result.stdout.strip()


def test_importing_semdev_loads_nothing_heavy() -> None:
    heavy = ["torch", "matplotlib", "xarray", "pandas", "scipy", "sklearn", "networkx", "numpy"]
    code = f"import sys, semdev; print([m for m in {heavy} if m in sys.modules])"
    assert in_fresh_process(code) == "[]"


@pytest.mark.parametrize("command", ["--help", "list", "list --json", "ask --help"])
def test_the_command_line_answers_without_loading_anything_heavy(command: str) -> None:
    heavy = ["torch", "matplotlib", "xarray", "pandas", "scipy", "sklearn", "networkx", "numpy"]
    code = (
        "import sys, io, contextlib\n"
        "from semdev.cli import main\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n"
        f"    main({command.split()})\n"
        f"print([m for m in {heavy} if m in sys.modules])"
    )
    assert in_fresh_process(code) == "[]"


def test_theory_and_measures_need_no_torch_and_no_matplotlib() -> None:
    code = (
        "import sys, semdev as sd\n"
        "exact = sd.solve(sd.load('saxe2019'), depth=2)\n"
        "sd.overgeneralizations(exact), sd.transitions(exact), sd.differentiation(exact)\n"
        "print([m for m in ('torch', 'matplotlib') if m in sys.modules])"
    )
    assert in_fresh_process(code) == "[]"


def test_drawing_theory_needs_no_torch() -> None:
    code = (
        "import sys, matplotlib, semdev as sd\n"
        "matplotlib.use('agg')\n"
        "sd.plots.loss(sd.solve(sd.load('saxe2019'), depth=2))\n"
        "print('torch' in sys.modules)"
    )
    assert in_fresh_process(code) == "False"


def test_training_needs_no_matplotlib() -> None:
    code = (
        "import sys, semdev as sd\n"
        "sd.train(sd.Shallow(), sd.load('saxe2019'), seeds=1, steps=2, progress=False)\n"
        "print('matplotlib' in sys.modules)"
    )
    assert in_fresh_process(code) == "False"


def test_every_public_name_can_be_had() -> None:
    for name in sd.__all__:
        assert getattr(sd, name) is not None
    assert set(sd.__all__) == set(dir(sd))
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        sd.trian  # noqa: B018


@pytest.mark.parametrize("name", PUBLIC)
def test_public_names_are_documented_with_an_example(name: str) -> None:
    text = inspect.getdoc(getattr(sd, name)) or ""
    assert len(text.splitlines()[0]) > 20
    assert text.splitlines()[0].endswith((".", ":"))
    assert ">>>" in text


def calls(node: ast.AST) -> str:
    """Return the dotted name of what an expression statement calls."""
    return ast.unparse(node.value.func) if isinstance(node.value, ast.Call) else ""  # type: ignore[attr-defined]


VACUOUS = re.compile(r"(^|\.)(allclose|array_equal|isclose|equal|array_equiv|identical|equals)$")


@pytest.mark.parametrize("path", TESTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_comparison_is_thrown_away(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    thrown = [
        n.lineno for n in ast.walk(tree) if isinstance(n, ast.Expr) and VACUOUS.search(calls(n))
    ]
    assert not thrown, f"{path.name}: a comparison's answer is thrown away in lines {thrown}"


ASSERTS = re.compile(
    r"\bassert\b|pytest\.(raises|warns|fail)|\.assert_\w+|\bassert_\w+\(|\bcheck_\w+\("
)


@pytest.mark.parametrize("path", TESTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_test_can_fail(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test"):
            assert ASSERTS.search(ast.unparse(node)), f"{path.name}: {node.name} asserts nothing"


def test_the_scan_for_vacuous_tests_finds_one() -> None:
    tree = ast.parse("np.allclose(a, b)\nassert np.allclose(a, b)")
    thrown = [n for n in ast.walk(tree) if isinstance(n, ast.Expr) and VACUOUS.search(calls(n))]
    assert len(thrown) == 1
    assert not ASSERTS.search("x = compare(a, b)")


def test_every_package_is_listed_for_the_wheel() -> None:
    listed = set((ROOT / "setup.cfg").read_text(encoding="utf-8").split())
    for path in SOURCE:
        if path.name == "__init__.py":
            name = ".".join(path.parent.relative_to(ROOT).parts)
            assert name in listed, f"setup.cfg does not list the package {name}"


def test_files_are_short() -> None:
    lengths = {str(p.relative_to(ROOT)): len(p.read_text().splitlines()) for p in SOURCE}
    assert {name: n for name, n in lengths.items() if n > 420} == {}
    assert sorted(lengths.values())[len(lengths) // 2] <= 200


def test_global_state_is_left_alone() -> None:
    for path in SOURCE:
        text = path.read_text(encoding="utf-8")
        assert "np.random.seed" not in text
        assert "rcParams[" not in text
        assert "style.use" not in text
        if "torch.manual_seed" in text:
            assert "fork_rng" in text
        if "set_num_threads" in text:
            assert "finally" in text


def test_the_project_speaks_of_itself_alone() -> None:
    kinds = {".py", ".md", ".cfg", ".toml", ".csv", ".nwk", ".ipynb", ".txt", ".cff", ""}
    paths = [
        path for path in ROOT.rglob("*")
        if path.is_file() and path.suffix in kinds
        and not any(part.startswith(".") or part.endswith(".egg-info") or part == "build"
                    for part in path.relative_to(ROOT).parts)
    ]  # fmt: skip
    assert len(paths) > 50
    for path in paths:
        text = path.read_text(encoding="utf-8")
        for word in ("/wo" + "rk/", "/ro" + "ot/", "/tm" + "p/", "pypi" + ".org", "file:" + "//"):
            assert word not in text, f"{path} names {word}"
