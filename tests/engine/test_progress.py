"""What is said about a fit while it runs, and where it is written."""

from __future__ import annotations

import io
import sys
import types
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from brmspy.engine.display import LineRenderer, NotebookRenderer, TerminalRenderer, choose_renderer
from brmspy.engine.progress import Progress
from brmspy.engine.sampling import SampleOptions, sample
from brmspy.engine.state import ChainState, ProgressState
from brmspy.engine.wording import chain_note, headline, outcome
from brmspy.errors import BrmspyError


def chain(number: int, phase: str, iteration: int, **rest: Any) -> ChainState:
    return ChainState(number, phase, iteration, warmup=1000, total=2000, **rest)


WARMING = chain(1, "warm-up", 500, seconds=10.0, phase_seconds=10.0)
SAMPLING = chain(2, "sampling", 1500, seconds=20.0, phase_seconds=5.0, divergences=3)
WAITING = chain(3, "waiting", 0)
DONE = chain(4, "done", 2000, seconds=12.0, phase_seconds=5.0)


class TestTimeLeft:
    @pytest.mark.parametrize(
        ("state", "seconds"),
        [
            (WARMING, 30.0),  # 1500 iterations at 50 per second
            (SAMPLING, 5.0),  # 500 iterations at 100 per second, the speed of its sampling
            (DONE, 0.0),
            (WAITING, None),
            (chain(1, "warm-up", 10, seconds=9.0, phase_seconds=9.0), None),  # too few to judge
            (chain(1, "warm-up", 400, seconds=0.1, phase_seconds=0.1), None),  # too early
            # Too few draws to judge: 995 iterations at the 1005 in 20.1 s of the whole chain.
            (chain(1, "sampling", 1005, seconds=20.1, phase_seconds=1.0), 19.9),
        ],
    )
    def test_of_a_chain(self, state: ChainState, seconds: float | None) -> None:
        assert state.seconds_left == (seconds if seconds is None else pytest.approx(seconds))

    def test_of_all_is_that_of_the_last(self) -> None:
        assert ProgressState(chains=(WARMING, SAMPLING), at_once=2).seconds_left == 30.0

    def test_waiting_chains_last_as_long_as_the_others(self) -> None:
        # Both running chains last 24 s, so two more after them on two processors: 12 + 24.
        running = chain(1, "warm-up", 1000, seconds=12.0, phase_seconds=12.0)
        state = ProgressState(chains=(running, running, WAITING, WAITING), at_once=2)
        assert state.seconds_left == 36.0

    def test_a_chain_that_has_just_begun_lasts_as_long_as_the_others(self) -> None:
        # The other chain lasts 25 s.
        early = chain(1, "warm-up", 1, seconds=9.0, phase_seconds=9.0)
        assert ProgressState(chains=(early, SAMPLING), at_once=2).seconds_left == 16.0

    def test_is_unknown_at_first(self) -> None:
        early = chain(1, "warm-up", 1, seconds=9.0, phase_seconds=9.0)
        assert ProgressState(chains=(early, WAITING), at_once=1).seconds_left is None
        assert ProgressState().seconds_left is None


class TestWords:
    def test_headline(self) -> None:
        state = ProgressState("sample", chains=(WARMING, SAMPLING), at_once=2, elapsed=20.0)
        assert headline(state) == "Sampling 2 chains: 50%, 20 s, about 30 s left, 3 divergences"
        assert "kept for the next fit" in headline(ProgressState("compile"))

    @pytest.mark.parametrize(
        ("state", "note"),
        [
            (WARMING, "warm-up 500/2000"),
            (SAMPLING, "sampling 1500/2000, 3 divergences"),
            (WAITING, "waiting"),
            (replace(DONE, divergences=1), "done, 1 divergence"),
        ],
    )
    def test_chain(self, state: ChainState, note: str) -> None:
        assert chain_note(state) == note

    @pytest.mark.parametrize(
        ("state", "failed", "text"),
        [
            (ProgressState(), False, ""),
            (ProgressState("compile", elapsed=14), False, "Compilation done after 14 s."),
            (ProgressState("compile", elapsed=2), True, "Compilation failed after 2.0 s."),
            (
                ProgressState("sample", (("compile", 65.0),), (DONE, DONE), elapsed=3.25),
                False,
                "Sampled 2 chains in 3.2 s (compiled in 1 min 5 s).",
            ),
            (
                ProgressState("sample", chains=(replace(DONE, divergences=2),), elapsed=3),
                False,
                "Sampled 1 chain in 3.0 s (2 divergences).",
            ),
            (
                ProgressState("sample", chains=(replace(WARMING, phase="stopped"), DONE)),
                False,
                "Sampling stopped after 0.0 s, at 62%.",
            ),
            (
                ProgressState("sample", chains=(replace(WARMING, phase="failed"), DONE)),
                False,
                "Sampling failed after 0.0 s: 1 of 2 chains finished.",
            ),
        ],
    )
    def test_outcome(self, state: ProgressState, failed: bool, text: str) -> None:
        assert outcome(state, failed) == text


class Terminal(io.StringIO):
    """A terminal that takes text of one encoding."""

    def __init__(self, encoding: str = "utf-8") -> None:
        super().__init__()
        self._encoding = encoding

    @property
    def encoding(self) -> str:  # type: ignore[override]  # a read-only attribute in io
        return self._encoding

    def isatty(self) -> bool:
        return True

    def screen(self) -> list[str]:
        """Return the lines that a reader sees: what escapes and carriage returns leave."""
        lines, row = [""], 0
        text = self.getvalue()
        while text:
            if text.startswith("\x1b["):
                end = next(i for i, letter in enumerate(text) if letter.isalpha())
                count, command = text[2:end], text[end]
                if command == "A":
                    row -= int(count)
                elif command == "J":
                    del lines[row + 1 :]
                    lines[row] = ""
                text = text[end + 1 :]
                continue
            if text[0] == "\n":
                row += 1
                lines += [""] * (row + 1 - len(lines))
            elif text[0] == "\r":
                lines[row] = ""
            else:
                lines[row] += text[0]
            text = text[1:]
        return lines


class TestTerminal:
    def test_the_block_is_updated_in_place(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("COLUMNS", "100")
        stream = Terminal()
        renderer = TerminalRenderer(stream)
        renderer.draw(ProgressState("compile"))
        renderer.draw(ProgressState("sample", chains=(WARMING, SAMPLING), at_once=2))
        renderer.draw(ProgressState("sample", chains=(DONE, SAMPLING), at_once=2))
        assert stream.screen() == [
            "Sampling 2 chains: 88%, 0.0 s, about 5.0 s left, 3 divergences",
            "  chain 4  ━━━━━━━━━━━━━━━━━━━━━━━━ done",
            "  chain 2  ━━━━━━━━━━━━━━━━━━╌╌╌╌╌╌ sampling 1500/2000, 3 divergences",
            "",
        ]
        renderer.close(ProgressState("sample", chains=(DONE,)), failed=False)
        assert stream.screen() == ["Sampled 1 chain in 0.0 s.", ""]

    def test_lines_are_not_wider_than_the_screen(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("COLUMNS", "30")
        stream = Terminal()
        TerminalRenderer(stream).draw(ProgressState("sample", chains=(SAMPLING,)))
        assert [len(line) for line in stream.screen()] == [29, 29, 0]

    def test_chains_that_do_not_fit_on_the_screen_are_summed_up(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("LINES", "10")
        stream = Terminal()
        TerminalRenderer(stream).draw(ProgressState("sample", chains=(DONE,) * 12))
        assert stream.screen() == ["Sampling 12 chains: 100%, 0.0 s", ""]

    def test_without_unicode(self) -> None:
        stream = Terminal("ascii")
        renderer = TerminalRenderer(stream)
        renderer.draw(ProgressState("sample", chains=(SAMPLING,)))
        assert "##################......" in stream.screen()[1]
        renderer.draw(ProgressState("compile"))
        assert stream.getvalue().isascii()

    @pytest.mark.parametrize(
        ("chains", "no_colour", "amber"),
        [((SAMPLING,), False, True), ((SAMPLING,), True, False), ((DONE,), False, False)],
    )
    def test_divergences_are_amber(
        self, monkeypatch: pytest.MonkeyPatch, chains: Any, no_colour: bool, amber: bool
    ) -> None:
        monkeypatch.delenv("NO_COLOR", raising=False)
        if no_colour:
            monkeypatch.setenv("NO_COLOR", "1")
        stream = Terminal()
        TerminalRenderer(stream).draw(ProgressState("sample", chains=chains))
        assert ("\x1b[33m" in stream.getvalue()) == amber


class TestLines:
    def test_a_short_run_is_one_line(self) -> None:
        stream = io.StringIO()
        renderer = LineRenderer(stream)
        renderer.draw(ProgressState("sample", chains=(WARMING,)))
        renderer.draw(ProgressState("sample", chains=(SAMPLING,)))
        renderer.close(ProgressState("sample", chains=(DONE,), elapsed=2), failed=False)
        assert stream.getvalue() == "Sampled 1 chain in 2.0 s.\n"

    def test_a_long_run_is_a_line_per_quarter(self, monkeypatch: pytest.MonkeyPatch) -> None:
        clock = [0.0]
        monkeypatch.setattr("time.monotonic", lambda: clock[0])
        stream = io.StringIO()
        renderer = LineRenderer(stream)
        renderer.draw(ProgressState("compile"))
        for iteration in range(0, 2001, 100):
            clock[0] += 3
            renderer.draw(ProgressState("sample", chains=(chain(1, "sampling", iteration),)))
        lines = stream.getvalue().splitlines()
        assert [line[:23] for line in lines] == [
            "Compiling the model (ke",
            "Sampling 1 chain: 25%, ",
            "Sampling 1 chain: 50%, ",
            "Sampling 1 chain: 75%, ",
            "Sampling 1 chain: 100%,",
        ]
        assert "\x1b" not in stream.getvalue()


class TestNotebook:
    @pytest.fixture
    def cell(self, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
        """Return what a notebook would show, one entry for each update of the one cell."""
        shown: list[dict[str, str]] = []

        class Handle:
            def update(self, bundle: dict[str, str], raw: bool) -> None:
                assert raw
                shown.append(bundle)

        def display(bundle: dict[str, str], raw: bool, display_id: bool) -> Handle:
            assert raw
            assert display_id
            assert not shown
            shown.append(bundle)
            return Handle()

        module = types.ModuleType("IPython")
        module.display = types.SimpleNamespace(display=display)  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "IPython", module)
        return shown

    def test_bars(self, cell: list[dict[str, str]]) -> None:
        renderer = NotebookRenderer()
        renderer.draw(ProgressState("compile"))
        renderer.draw(ProgressState("sample", chains=(WARMING, SAMPLING, WAITING)))
        assert [set(bundle) for bundle in cell] == [{"text/html", "text/plain"}] * 2
        rows = cell[1]["text/html"].split("<tr>")[1:]
        assert len(rows) == 3
        assert "width:25.0%" in rows[0]
        assert "#3b7dd8" in rows[0]
        assert "width:75.0%" in rows[1]
        assert "#d08700" in rows[1]  # amber: it has divergences
        assert "waiting" in rows[2]
        assert "<" not in cell[1]["text/plain"]

    @pytest.mark.parametrize(
        ("state", "colour"),
        [
            (DONE, "#3a9d5d"),
            (replace(DONE, divergences=1), "#d08700"),
            (replace(WARMING, phase="failed"), "#c9372c"),
        ],
    )
    def test_colours_at_the_end(
        self, cell: list[dict[str, str]], state: ChainState, colour: str
    ) -> None:
        NotebookRenderer().close(ProgressState("sample", chains=(state,)), failed=False)
        assert colour in cell[0]["text/html"]

    def test_text_is_escaped(self, cell: list[dict[str, str]]) -> None:
        NotebookRenderer().draw(ProgressState("<b>"))
        assert "<div>&lt;b&gt; …</div>" in cell[0]["text/html"]


class TestChoice:
    @pytest.fixture(autouse=True)
    def _no_notebook(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delitem(sys.modules, "IPython", raising=False)
        monkeypatch.setenv("TERM", "xterm")

    @pytest.mark.parametrize(
        ("show", "stream", "kind"),
        [
            (True, Terminal(), TerminalRenderer),
            (True, io.StringIO(), LineRenderer),
            ("lines", Terminal(), LineRenderer),
            ("terminal", io.StringIO(), TerminalRenderer),
            ("notebook", io.StringIO(), NotebookRenderer),
            (False, Terminal(), type(None)),
        ],
    )
    def test_by_stream(self, show: bool | str, stream: Any, kind: type) -> None:
        assert type(choose_renderer(show, stream)) is kind

    def test_a_dumb_terminal_gets_lines(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TERM", "dumb")
        assert isinstance(choose_renderer(True, Terminal()), LineRenderer)

    @pytest.mark.parametrize(
        ("shell", "kind"), [("kernel", NotebookRenderer), (None, LineRenderer)]
    )
    def test_notebook_and_ipython_in_a_terminal(
        self, monkeypatch: pytest.MonkeyPatch, shell: str | None, kind: type
    ) -> None:
        module = types.ModuleType("IPython")
        found = types.SimpleNamespace(kernel=shell)
        module.get_ipython = lambda: found  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "IPython", module)
        assert isinstance(choose_renderer(True, io.StringIO()), kind)

    def test_unknown_kinds_are_refused(self) -> None:
        with pytest.raises(BrmspyError, match="Did you mean 'notebook'"):
            Progress(show="notebok")


class Recorder(Progress):
    """Keeps the states that it was told."""

    def __init__(self) -> None:
        super().__init__(show=False)
        self.seen: list[ProgressState] = []

    def update(self, chains: Any, at_once: int) -> None:
        super().update(chains, at_once)
        self.seen.append(self.state)


class TestProgress:
    def test_stages_and_their_times(self) -> None:
        with Progress(show=False) as progress:
            progress.stage("compile")
            progress.stage("sample")
        assert progress.state.stage == "sample"
        [(name, seconds)] = progress.state.past
        assert name == "compile"
        assert seconds >= 0

    def test_an_error_is_shown_as_the_end(self) -> None:
        def fail(progress: Progress) -> None:
            with progress:
                progress.stage("compile")
                raise ZeroDivisionError

        stream = io.StringIO()
        with pytest.raises(ZeroDivisionError):
            fail(Progress("lines", stream))
        assert stream.getvalue().splitlines()[-1].startswith("Compilation failed after")

    def test_the_end_is_said_once(self) -> None:
        stream = io.StringIO()
        with Progress("lines", stream) as progress:
            progress.stage("sample")
            progress.update([DONE], 1)
            progress.finish()
        assert stream.getvalue().count("Sampled 1 chain") == 1

    def test_nothing_is_written_for_nothing(self) -> None:
        stream = io.StringIO()
        with Progress("lines", stream):
            pass
        assert stream.getvalue() == ""

    def test_updates_are_not_drawn_more_often_than_can_be_read(self) -> None:
        stream = Terminal()
        with Progress("terminal", stream) as progress:
            progress.stage("sample")
            for iteration in range(1, 1000):
                progress.update([chain(1, "warm-up", iteration)], 1)
        assert stream.getvalue().count("chain 1") < 20

    def test_states_are_true(self, fake_exe: Path, behave: Callable[..., None]) -> None:
        behave(warmup_delay=0.01, delay=0.01, divergent_every=10)
        progress = Recorder()
        options = SampleOptions(chains=3, iter_warmup=50, iter_sampling=50, cores=2)
        with progress:
            sample(fake_exe, {}, options, progress=progress)
        phases = [[state.chains[i].phase for state in progress.seen] for i in range(3)]
        for seen in phases:
            assert list(dict.fromkeys(seen))[-3:] == ["warm-up", "sampling", "done"]
        assert phases[2][0] == "waiting"
        running = [sum(item.running for item in state.chains) for state in progress.seen]
        assert max(running) == 2
        fractions = [state.fraction for state in progress.seen]
        assert fractions == sorted(fractions)
        assert len(set(fractions)) > 10
        for state in progress.seen:
            for item in state.chains:
                assert (item.iteration > 50) == (item.phase in ("sampling", "done"))
                # Divergent are the draws 0, 10, 20, ...; what is counted has been drawn.
                assert item.divergences <= max(0, item.iteration - 50 + 9) // 10
        assert progress.seen[-1].divergences == 15

    def test_standard_output_is_left_alone(
        self, fake_exe: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        options = SampleOptions(chains=1, iter_warmup=10, iter_sampling=10)
        with Progress("terminal") as progress:
            sample(fake_exe, {}, options, progress=progress)
        out, err = capfd.readouterr()
        assert out == ""
        assert "Sampled 1 chain" in err
