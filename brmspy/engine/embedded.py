"""The embedded toolchain: Stan from the httpstan wheel and the machine's C++ compiler."""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import os
import platform
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from brmspy.engine import generated, stanc
from brmspy.engine.compilers import Compiler, Jobs, find_compiler, how_to_install
from brmspy.engine.directories import runners_directory
from brmspy.engine.interface import CompileOptions, Toolchain
from brmspy.engine.prebuilt import Prebuilt, functions_hash, runner_hash
from brmspy.errors import CompileError

__all__ = ["EmbeddedToolchain", "find_embedded"]

# benchmarks/compile.py measures what compiling costs. STAN_THREADS is always on: it
# costs nothing measurable, and one runner then serves every model.
_FLAGS = (
    "-std=c++17",
    "-w",
    "-pthread",
    "-DNDEBUG",
    "-D_REENTRANT",
    "-DBOOST_DISABLE_ASSERTS",
    "-DTBB_INTERFACE_NEW",
    "-DSTAN_THREADS",
)
_OPTIMISE = "-O2"
# The functions take 2.5 GB to compile, the runner or a model with all of Stan's headers 2 GB.
_MEMORY_FOR_TWO = 7 * 1024**3


@dataclass(frozen=True)
class EmbeddedToolchain(Toolchain):
    """Stan's headers and translator from the httpstan wheel, and a C++ compiler.

    Parameters
    ----------
    home : Path
        The installed httpstan package.
    version : str
        The version of httpstan.
    stan_version : str
        The version of Stan it holds.
    compiler : Compiler
        The C++ compiler.
    """

    home: Path
    version: str
    stan_version: str
    compiler: Compiler
    name: str = "embedded"

    @property
    def stanc(self) -> Path:
        """The translator."""
        return self.home / "stanc"

    @property
    def prebuilt(self) -> Prebuilt:
        """The runner and Stan's functions."""
        key = hashlib.sha256(self._identity().encode()).hexdigest()[:16]
        include = ("-isystem", str(self.home / "include"))
        return Prebuilt(
            folder=runners_directory() / key,
            httpstan=self.home,
            compiler=self.compiler,
            flags=(*_FLAGS, *include),
        )

    def fingerprint(self, options: CompileOptions) -> str:
        """Return all that decides what an executable looks like.

        Executables can use threads with any options.
        """
        return f"{self._identity()}\n{functions_hash()}"

    def check(self, code: str, name: str = "model", pedantic: bool = False) -> tuple[str, ...]:
        """Check a Stan program without compiling it."""
        return stanc.check(self.stanc, code, name, pedantic)

    def is_prepared(self, options: CompileOptions) -> bool:
        """Tell whether the runner and Stan's functions are compiled."""
        return self.prebuilt.is_ready

    def prepare(self, options: CompileOptions) -> None:
        """Compile the runner and Stan's functions."""
        with ThreadPoolExecutor(max_workers=2) as pool, Jobs() as jobs:
            builds = (self.prebuilt.build_runner, self.prebuilt.build_functions)
            parts = [self._start(pool, build, jobs) for build in builds]
            for part in wait(parts, return_when=FIRST_EXCEPTION).done:
                part.result()

    def compile(self, stan_file: Path, exe: Path, options: CompileOptions) -> None:
        """Compile a Stan program and link it with the runner and Stan's functions."""
        cpp_file = exe.with_name(exe.name + ".cpp")
        object_file = exe.with_name(exe.name + ".o")
        stanc.translate(self.stanc, stan_file, cpp_file)
        doing = f"Compiling {stan_file.name}"
        # Runner and functions are missing only at the first fit; they compile side by side then.
        # When something fails, Jobs ends the compilers before the pool waits for its threads.
        with ThreadPoolExecutor(max_workers=2) as pool, Jobs() as jobs:
            runner = self._start(pool, self.prebuilt.build_runner, jobs)
            objects = self._compile_lean(pool, jobs, cpp_file, object_file, doing)
            if objects is None:
                objects = self._compile_full(jobs, cpp_file, object_file, doing)
            runner.result()
            self._link(jobs, objects, exe)
        cpp_file.unlink()
        object_file.unlink()

    def describe(self) -> dict[str, str]:
        """Return what a reader of a saved fit needs to know about this toolchain."""
        return {
            "toolchain": self.name,
            "stan": self.stan_version,
            "httpstan": self.version,
            "compiler": self.compiler.version,
            "flags": f"{_OPTIMISE} STAN_THREADS",
        }

    def _identity(self) -> str:
        """Return the versions, the compiler and the flags, one in each line."""
        return "\n".join(
            (
                f"{self.name} stan {self.stan_version} httpstan {self.version}",
                f"{platform.system()} {platform.machine()}",
                self.compiler.version,
                " ".join((*self.compiler.command, *_FLAGS, _OPTIMISE)),
                runner_hash(),
            )
        )

    @staticmethod
    def _start(pool: ThreadPoolExecutor, build: Callable[[Jobs], None], jobs: Jobs) -> Future[None]:
        """Start to build a part, and wait for it where memory is short."""
        part = pool.submit(build, jobs)
        if _memory() < _MEMORY_FOR_TWO:
            part.result()
        return part

    def _compile_lean(
        self, pool: ThreadPoolExecutor, jobs: Jobs, cpp_file: Path, object_file: Path, doing: str
    ) -> tuple[Path, ...] | None:
        """Compile a model against declarations of Stan's functions, and these functions.

        The object files to link, or None if the model has to be compiled with all of Stan's
        headers.
        """
        code = generated.lean(cpp_file.read_text(encoding="utf-8"))
        if code is None or self.prebuilt.functions_failed.exists():
            return None
        functions = self._start(pool, self.prebuilt.build_functions, jobs)
        lean_file = cpp_file.with_suffix(".lean.cpp")
        lean_file.write_text(code, encoding="utf-8")
        try:
            self._compile_cpp(jobs, lean_file, object_file, doing)
        except CompileError:
            # Something is not declared, or wrong; what is wrong shows with Stan's headers, which
            # wait until there is memory for them.
            wait([functions])
            return None
        finally:
            lean_file.unlink()
        try:
            functions.result()
        except CompileError as error:
            # Models compile without, only slowly; if not, this is no reason to give up on them.
            self._compile_full(jobs, cpp_file, object_file, doing)
            self.prebuilt.do_without_functions(error)
            return (object_file,)
        return (object_file, self.prebuilt.functions)

    def _compile_full(
        self, jobs: Jobs, cpp_file: Path, object_file: Path, doing: str
    ) -> tuple[Path, ...]:
        """Compile a model with all of Stan's headers; the object file to link."""
        code = cpp_file.read_text(encoding="utf-8")
        cpp_file.write_text(generated.with_lean_base(code), encoding="utf-8")
        self._compile_cpp(jobs, cpp_file, object_file, doing)
        return (object_file,)

    def _compile_cpp(self, jobs: Jobs, source: Path, target: Path, doing: str) -> None:
        """Compile a model's C++ code."""
        flags = (*self.prebuilt.flags, *generated.INCLUDE, _OPTIMISE)
        jobs.run(self.compiler, [*flags, "-c", str(source), "-o", str(target)], doing)

    def _link(self, jobs: Jobs, objects: tuple[Path, ...], exe: Path) -> None:
        """Link a model with the runner, Stan's solvers and TBB."""
        prebuilt = self.prebuilt
        # The model comes first, the runner last: where both define an inline function, the model's
        # is taken.
        inputs = [*objects, prebuilt.runner, *sorted((self.home / "lib").glob("*.a"))]
        arguments = [
            *map(str, inputs),
            str(prebuilt.tbb),
            f"-Wl,-rpath,{prebuilt.folder}",
            "-pthread",
            "-o",
            str(exe),
        ]
        jobs.run(self.compiler, arguments, "Linking the model")


def find_embedded() -> EmbeddedToolchain:
    """Find the embedded toolchain.

    Returns
    -------
    EmbeddedToolchain

    Raises
    ------
    CompileError
        If httpstan or a C++ compiler is missing; says how to install it.
    """
    spec = importlib.util.find_spec("httpstan")
    if spec is None or spec.origin is None:
        raise CompileError(f"The package httpstan is not installed. {_without_httpstan()}")
    home = Path(spec.origin).parent
    header = home / "include" / "stan" / "version.hpp"
    if not (home / "stanc").exists() or not header.exists():
        raise CompileError(
            f"The package httpstan in {home} lacks the translator stanc or Stan's headers. "
            "Reinstall it: `pip install --force-reinstall httpstan`."
        )
    compiler = find_compiler()
    if compiler is None:
        chosen = os.environ.get("CXX")
        problem = f"CXX={chosen} cannot be run." if chosen else "No C++ compiler was found."
        raise CompileError(f"{problem} {how_to_install()}")
    return EmbeddedToolchain(
        home=home,
        version=importlib.metadata.version("httpstan"),
        stan_version=_read_version(header),
        compiler=compiler,
    )


def _memory() -> int:
    """Return the bytes of memory this machine has."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _without_httpstan() -> str:
    """Return how to get a toolchain where httpstan is missing."""
    if platform.system() == "Windows":
        return "It does not exist for Windows; use CmdStan: `python -m cmdstanpy.install_cmdstan`."
    return "Install it: `pip install httpstan`."


def _read_version(header: Path) -> str:
    """Read Stan's version from its header."""
    numbers = {}
    for line in header.read_text(encoding="utf-8").splitlines():
        words = line.split()
        if len(words) == 3 and words[0] == "#define":
            numbers[words[1]] = words[2]
    return ".".join(numbers[f"STAN_{part}"] for part in ("MAJOR", "MINOR", "PATCH"))
