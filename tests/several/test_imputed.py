"""brm_multiple(): what data sets must share, seeds, and fits that fail; without Stan."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from brmspy import (
    BrmspyError,
    DataError,
    SamplingError,
    SamplingWarning,
    SomeFitsFailedError,
    brm_multiple,
    load_dataset,
)
from brmspy.fitting import Plan, many, settings_of
from brmspy.several import check_frames, seeds_of

FRAME = pd.DataFrame(
    {
        "y": [1.0, 3.0, 2.0, 5.0, 4.0, 6.0],
        "x": [0.0, 1.0, 2.0, 3.0, 4.0, 5.0],
        "f": list("aabbcc"),
        "g": list("uvwuvw"),
    }
)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (FRAME, "must be a list of data frames.*not DataFrame.*use brm()"),
        ({"a": FRAME}, "not dict"),
        ([], "empty list"),
        ([FRAME, FRAME.drop(columns="x")], "Data set 2 has no column 'x'"),
        (
            [FRAME, FRAME, FRAME.rename(columns={"x": "z"})],
            "Data set 3 has no column 'x' and a column 'z', which data set 1 has not",
        ),
        ([FRAME, FRAME.head(5)], "Data set 2 has 5 rows, data set 1 has 6"),
        (
            [FRAME, FRAME.set_axis([0, 1, 2, 3, 5, 4])],
            "5 stands where data set 1 has 4. Put them into the same order",
        ),
        ([FRAME, FRAME.assign(g=list("uvwuvv"))], None),
        ([FRAME, FRAME.assign(g=list("uvtuvt"))], "grouping factor 'g': 'w' missing; 't' added"),
        (
            [FRAME, FRAME.assign(f=list("aabbaa"))],
            r"formula of 'mu' \(its coefficients\): 'fc' missing. All data sets need the same",
        ),
        (
            [FRAME, FRAME.assign(x=[0.0, np.nan, 2.0, 3.0, 4.0, 5.0])],
            r"Data set 2 has other rows left.*Left out: 1 row.*of data set 1: none",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore::brmspy.DataWarning")  # of the missing value
def test_data_sets_must_be_alike(
    data: Any, message: str | None, without_stan: None, started: Callable[..., Plan]
) -> None:
    if message is None:
        started(brm_multiple, "y ~ x + f + (1 | g)", data, progress=False)
        return
    with pytest.raises(DataError, match=message.replace("()", r"\(\)")):
        brm_multiple("y ~ x + f + (1 | g)", data, progress=False)


@pytest.mark.parametrize(
    ("kind", "labels"), [("sum", "zzbbcc"), ("helmert", "zzbbcc"), ("SAS", "aabbzz")]
)
def test_coefficients_of_the_same_names_can_be_of_other_levels(
    kind: str, labels: str, started: Callable[..., Plan], without_stan: None
) -> None:
    other = FRAME.assign(f=list(labels))
    with pytest.raises(DataError, match=r"Data set 2 has other levels .* factor 'f': .*'z' added"):
        brm_multiple("y ~ f", [FRAME, other], contrasts={"f": kind}, progress=False)
    same = [FRAME, FRAME.assign(y=1.0 - FRAME["y"])]
    plan = started(brm_multiple, "y ~ f", same, contrasts={"f": kind}, progress=False)
    assert plan.model.design.contrasts["f"].kind == kind


def test_other_reference_levels_are_refused() -> None:
    # The reference has no coefficient that would tell.
    data = [FRAME, FRAME.assign(f=list("00bbcc"))]
    with pytest.raises(DataError, match="factor 'f': 'a' missing; '0' added"):
        brm_multiple("y ~ f", data, progress=False)


def test_columns_in_another_order_and_frames_of_other_kinds() -> None:
    columns = {name: FRAME[name].tolist() for name in reversed(FRAME.columns)}
    first, second = check_frames([FRAME, columns])
    pd.testing.assert_frame_equal(second[first.columns], first)


def test_a_problem_with_the_data_says_which_data_set() -> None:
    bad = FRAME.assign(y=[np.inf, *FRAME["y"][1:]])
    with pytest.raises(DataError, match=r"^Data set 2: "):
        brm_multiple("y ~ x", [FRAME, bad], progress=False)


def test_seeds_differ_and_follow_from_one() -> None:
    assert len(set(seeds_of(7, 50))) == 50
    assert seeds_of(7, 50)[:3] == seeds_of(7, 3)
    assert seeds_of(8, 3) != seeds_of(7, 3)
    assert all(0 <= seed < 2**32 for seed in seeds_of(0, 50))


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> list[Plan]:
    """Return the list of plans that are run, in place of which come stand-ins for fits."""
    plans: list[Plan] = []

    def run_here(kind: object, plan: Plan, display: object) -> Any:
        plans.append(plan)
        return SimpleNamespace(record=SimpleNamespace(interrupted=False), number=len(plans))

    monkeypatch.setattr(many, "run_here", run_here)
    return plans


def imputed(count: int) -> list[pd.DataFrame]:
    """Return data sets whose response is spread more and more."""
    sleep = load_dataset("sleepstudy")
    return [sleep.assign(Reaction=sleep["Reaction"] * (i + 1)) for i in range(count)]


def test_each_data_set_is_fitted_with_its_seed_and_the_priors_of_the_first(
    recorded: list[Plan],
) -> None:
    fits = brm_multiple(
        "Reaction ~ Days", imputed(3), combine=False, seed=3, chains=2, progress=False
    )
    assert len(fits) == 3
    assert [plan.options.seed for plan in recorded] == seeds_of(3, 3)
    assert {plan.options.chains for plan in recorded} == {2}
    assert len({plan.model.priors.formatted() for plan in recorded}) == 1
    assert len({plan.model.program.code.split("\n", 1)[1] for plan in recorded}) == 1
    means = [plan.model.response.mean() for plan in recorded]
    assert means[2] == pytest.approx(3 * means[0])


def test_without_a_seed_one_is_drawn(recorded: list[Plan]) -> None:
    brm_multiple("Reaction ~ Days", imputed(2), combine=False, progress=False)
    brm_multiple("Reaction ~ Days", imputed(2), combine=False, progress=False)
    assert len({plan.options.seed for plan in recorded}) == 4


def test_warnings_say_which_data_set(monkeypatch: pytest.MonkeyPatch) -> None:
    def run_here(kind: object, plan: Plan, display: object) -> Any:
        from brmspy.errors import warn

        warn("It has not converged.", SamplingWarning)
        return SimpleNamespace(record=SimpleNamespace(interrupted=False))

    monkeypatch.setattr(many, "run_here", run_here)
    with pytest.warns(SamplingWarning) as caught:
        brm_multiple("Reaction ~ Days", imputed(2), combine=False, progress=False)
    assert [str(item.message) for item in caught] == [
        "Data set 1: It has not converged.",
        "Data set 2: It has not converged.",
    ]
    assert {item.filename for item in caught} == {__file__}


def failing(monkeypatch: pytest.MonkeyPatch, at: int, error: BaseException) -> None:
    """Have a fit fail."""
    count = iter(range(1, 100))

    def run_here(kind: object, plan: Plan, display: object) -> Any:
        if next(count) == at:
            raise error
        return SimpleNamespace(record=SimpleNamespace(interrupted=False))

    monkeypatch.setattr(many, "run_here", run_here)


def test_a_fit_that_fails_does_not_lose_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, 3, SamplingError("Chains 1 and 2 crashed."))
    with pytest.raises(SomeFitsFailedError, match="Data set 3: Chains 1 and 2 crashed") as caught:
        brm_multiple("Reaction ~ Days", imputed(4), progress=False)
    assert list(caught.value.fits) == [1, 2]
    assert "data sets 1, 2 are kept in the error's `fits`" in str(caught.value)
    assert isinstance(caught.value, BrmspyError)
    again = pickle.loads(pickle.dumps(SomeFitsFailedError("No.", {1: "fit"})))
    assert (str(again), again.fits) == ("No.", {1: "fit"})


def test_if_the_first_fails_it_is_an_ordinary_error(monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, 1, SamplingError("Chains 1 and 2 crashed."))
    with pytest.raises(SamplingError, match="Data set 1: ") as caught:
        brm_multiple("Reaction ~ Days", imputed(2), progress=False)
    assert not isinstance(caught.value, SomeFitsFailedError)


def test_an_interrupt_keeps_what_is_finished(monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, 3, KeyboardInterrupt())
    fits = brm_multiple("Reaction ~ Days", imputed(4), combine=False, progress=False)
    assert isinstance(fits, list)
    assert len(fits) == 2
    made = many.Made(dict(enumerate(fits, start=1)), 4)
    with pytest.warns(SamplingWarning, match="Data sets 3, 4 of 4 are missing"):
        assert made.finished() == fits
    failing(monkeypatch, 1, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        brm_multiple("Reaction ~ Days", imputed(2), progress=False)


def test_arguments_are_refused_by_name() -> None:
    with pytest.raises(SamplingError, match=r"no argument 'chanis'. Did you mean 'chains'"):
        brm_multiple("y ~ x", [FRAME], chanis=2)
    with pytest.raises(SamplingError, match=r"no argument 'combined'. Did you mean 'combine'"):
        brm_multiple("y ~ x", [FRAME], combined=True)


@pytest.mark.parametrize("show", ["lines", False])
def test_progress_is_about_all_fits(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], show: Any
) -> None:
    def run_here(kind: object, plan: Plan, display: Any) -> Any:
        display.stage("compile")
        display.stage("sample")
        display.finish()
        return SimpleNamespace(record=SimpleNamespace(interrupted=False))

    monkeypatch.setattr(many, "run_here", run_here)
    brm_multiple("Reaction ~ Days", imputed(3), combine=False, progress=show)
    said = capsys.readouterr().err
    if not show:
        assert said == ""
        return
    assert said.splitlines()[0] == "Fit 1 of 3: Compiling the model (kept for the next fit) …"
    assert said.splitlines()[-1].startswith("3 fits done in ")
    assert len(said.splitlines()) == 2


def test_what_a_plan_chooses_is_chosen_once(monkeypatch: pytest.MonkeyPatch) -> None:
    models = [
        SimpleNamespace(
            threads=1,
            sample_prior="only",
            program=SimpleNamespace(
                start=None, plan=SimpleNamespace(adapt_delta=delta, iter_warmup=warmup)
            ),
        )
        for delta, warmup in ((0.8, 1000), (0.95, 300))
    ]
    plans = many.plans_alike(models, settings_of(), [1, 2])  # type: ignore[arg-type]
    assert [plan.options.adapt_delta for plan in plans] == [0.8, 0.8]
    assert [plan.options.iter_warmup for plan in plans] == [1000, 1000]
    assert [plan.options.seed for plan in plans] == [1, 2]
    said = many.plans_alike(models, settings_of(adapt_delta=0.9), [1, 2])  # type: ignore[arg-type]
    assert [plan.options.adapt_delta for plan in said] == [0.9, 0.9]
