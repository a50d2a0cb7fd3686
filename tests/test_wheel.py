"""The wheel holds the three packages and the plugin of pytest, works from where it is, and asks for
no extra."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXTRAS = (
    "grain",
    "h5py",
    "safetensors",
    "mpmath",
    "sklearn",
    "matplotlib",
    "rich",
    "tyro",
    "hypothesis",
    "beartype",
    "pytest",
)
IMPORT = f"""
import sys
sys.path.insert(0, sys.argv[1])
import pure_nn
from pure_nn import data, interop, training
assert pure_nn.__file__.startswith(sys.argv[1]), pure_nn.__file__
loaded = {{name for name in ("verify", "experiments", *{EXTRAS!r}) if name in sys.modules}}
assert not loaded, loaded
import jax
params = pure_nn.init(jax.random.key(0), (3, 2))
print(pure_nn.predict(pure_nn.Network(("softmax",)), params, jax.numpy.ones((3, 1))).shape)
import verify.__main__, experiments.__main__, experiments.digits, pytest_pure_nn
assert verify.__file__.startswith(sys.argv[1]), verify.__file__
assert experiments.__file__.startswith(sys.argv[1]), experiments.__file__
assert pytest_pure_nn.__file__.startswith(sys.argv[1]), pytest_pure_nn.__file__
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (path,) = folder.glob("*.whl")
    return path


def test_contents(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    packages = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    assert packages == {"pure_nn", "verify", "experiments", "pytest_pure_nn.py"}
    sources = {str(p.relative_to(ROOT)) for top in packages for p in (ROOT / top).rglob("*.py")}
    assert sources <= set(names)
    assert any(name.endswith("licenses/LICENSE") for name in names)
    (entry_points,) = (name for name in names if name.endswith("entry_points.txt"))
    assert b"[pytest11]\npure_nn = pytest_pure_nn\n" in zipfile.ZipFile(wheel).read(entry_points)


def test_imports_from_the_wheel(wheel: Path) -> None:
    """Isolated, so that neither this checkout nor the environment's own copy serves."""
    run = [sys.executable, "-I", "-c", IMPORT, str(wheel)]
    done = subprocess.run(run, cwd=wheel.parent, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "(2, 1)\n"
