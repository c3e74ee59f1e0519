"""Times to a fraction of the asymptote: against the curves' inverses, and what is refused."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from scipy import special

import brmspy
from brmspy import BrmsFit, bf, prior
from brmspy.errors import BrmspyError, BrmspyWarning

Make = Callable[..., BrmsFit]

SHAPE = (2, 150)
DATA = pd.DataFrame(
    {
        "tree": np.repeat(["A 1", "B", "C"], 5),
        "kind": np.repeat(["oak", "fir", "oak"], 5),
        "wet": np.tile([1.0, 2.0, 3.0, 4.0, 5.0], 3),
        "age": np.tile([2.0, 4.0, 8.0, 12.0, 20.0], 3),
        "size": np.tile([3.0, 8.0, 14.0, 18.0, 21.0], 3) + np.repeat([0.0, 1.0, 2.0], 5),
    }
)


def rng() -> np.random.Generator:
    return np.random.default_rng(3)


def spread(low: float, high: float) -> np.ndarray:
    return rng().uniform(low, high, size=SHAPE)


def given(**values: object) -> dict[str, np.ndarray]:
    return {
        f"b_{name}": np.broadcast_to(np.asarray(value, float)[..., None], (*SHAPE, 1))
        for name, value in values.items()
    }


def flat(*names: str) -> list[brmspy.Prior]:
    return [prior("normal(0, 1)", nlpar=name) for name in names]


def asymptotic(made_fit: Make, tree: str = "", **values: object) -> BrmsFit:
    values = {"Asym": spread(20, 30), "R0": spread(-2, 2), "lrc": spread(-3, -2), **values}
    return made_fit(
        bf("size ~ SSasymp(age, Asym, R0, lrc)", f"Asym ~ 1{tree}", "R0 + lrc ~ 1", nl=True),
        DATA,
        draws=given(**values),
    )


def inverse(fit: BrmsFit, fraction: float, Asym: np.ndarray | None = None) -> np.ndarray:
    """Return when SSasymp() reaches a fraction of Asym."""
    A, R0, lrc = (fit[f"b_{name}_Intercept"].to_numpy() for name in ("Asym", "R0", "lrc"))
    A = A if Asym is None else Asym
    return -np.log((1 - fraction) * A / (A - R0)) / np.exp(lrc)


@pytest.fixture(scope="module")
def trees(made_fit: Make) -> BrmsFit:
    """Return a fit with a grouping factor."""
    return asymptotic(made_fit, " + (1 | tree)")


class TestTimes:
    def test_population(self, made_fit: Make) -> None:
        fit = asymptotic(made_fit)
        times = fit.time_to((0.5, 0.9))
        assert times.draws.dims == ("chain", "draw", "row")
        for place, fraction in enumerate((0.5, 0.9)):
            exact = inverse(fit, fraction)
            np.testing.assert_allclose(times.draws[..., place], exact, rtol=1e-10)
            row = times.table.iloc[place]
            assert row["fraction"] == fraction
            assert row["Estimate"] == pytest.approx(exact.mean())
            assert row["Est.Error"] == pytest.approx(exact.std(ddof=1))
            assert row["Q2.5"] == pytest.approx(np.quantile(exact, 0.025))
            height = fraction * fit["b_Asym_Intercept"].to_numpy().mean()
            assert row["value"] == pytest.approx(height)
        assert times.table.columns.tolist() == [
            "fraction", "Estimate", "Est.Error", "Q2.5", "Q97.5", "value", "reached",
        ]  # fmt: skip
        assert times.table["reached"].tolist() == [1.0, 1.0]

    def test_levels(self, trees: BrmsFit) -> None:
        fit = trees
        times = fit.time_to(0.8)
        assert times.table["tree"].fillna("").tolist() == ["", "A 1", "B", "C"]
        A = fit["b_Asym_Intercept"].to_numpy()
        own = A + fit["r_tree__Asym[B,Intercept]"].to_numpy()
        np.testing.assert_allclose(times.draws[..., 0], inverse(fit, 0.8), rtol=1e-10)
        np.testing.assert_allclose(times.draws[..., 2], inverse(fit, 0.8, own), rtol=1e-10)
        some = fit.time_to(0.8, levels=["C", "A 1"], prob=0.5)
        assert some.table["tree"].fillna("").tolist() == ["", "C", "A 1"]
        np.testing.assert_array_equal(some.draws[..., 1], times.draws[..., 3])
        assert {"Q25", "Q75"} <= set(some.table)
        assert len(fit.time_to(0.8, group="NA").table) == 1
        assert "tree" not in fit.time_to(0.8, group="NA").table

    def test_by_a_factor(self, made_fit: Make) -> None:
        fit = made_fit(
            bf("size ~ SSmicmen(age, Vm, K)", "Vm ~ 1 + (1 | tree)", "K ~ 0 + kind", nl=True),
            DATA,
            draws=given(Vm=spread(20, 30)) | {"b_K": np.stack([spread(2, 4), spread(5, 9)], -1)},
        )
        times = fit.time_to(0.75, by="kind")
        assert times.table["kind"].tolist() == ["fir", "oak", "oak", "fir", "oak"]
        K = fit["b_K"].to_numpy()
        np.testing.assert_allclose(times.draws[..., 0], 3 * K[..., 0], rtol=1e-10)
        np.testing.assert_allclose(times.draws[..., 4], 3 * K[..., 1], rtol=1e-10)
        assert "population fir" in str(times)

    def test_other_inputs_are_held(self, made_fit: Make) -> None:
        fit = made_fit(
            bf("size ~ a * age / (b * wet + age)", "a + b ~ 1", nl=True),
            DATA, prior=flat("a", "b"), draws=given(a=spread(20, 30), b=spread(1, 2)),
        )  # fmt: skip
        with pytest.raises(BrmspyError, match=r"Say along which of them: x='age' or x='w"):
            fit.time_to(0.5)
        b = fit["b_b_Intercept"].to_numpy()
        times = fit.time_to(0.5, x="age")
        np.testing.assert_allclose(times.draws[..., 0], 3.0 * b, rtol=1e-10)
        assert "Population at wet = 3." in times.about
        held = fit.time_to(0.5, x="age", at={"wet": 1.0})
        np.testing.assert_allclose(held.draws[..., 0], b, rtol=1e-10)

    def test_transformed_parameters(self, made_fit: Make) -> None:
        fit = made_fit(
            bf("size ~ SSlogis(age, Asym, xmid, scal)", "Asym + xmid + scal ~ 1", nl=True,
               transform={"Asym": "log", "scal": "log"}),
            DATA,
            draws=given(logAsym=spread(2, 3), xmid=spread(4, 9), logscal=spread(0, 1)),
        )  # fmt: skip
        scal = np.exp(fit["b_logscal_Intercept"].to_numpy())
        exact = fit["b_xmid_Intercept"].to_numpy() + scal * special.logit(0.9)
        np.testing.assert_allclose(fit.time_to().draws[..., 0], exact, rtol=1e-9)

    def test_registered_curve(self, made_fit: Make) -> None:
        brmspy.register_curve(
            "monomol", "top * -expm1(-rate * x)", ["x", "top", "rate"], inputs="x", limit="top"
        )
        try:
            fit = made_fit(
                bf("size ~ monomol(age, a, b)", "a + b ~ 1", nl=True), DATA,
                prior=flat("a", "b"), draws=given(a=spread(20, 30), b=spread(0.1, 0.3)),
            )  # fmt: skip
            times = fit.time_to(0.9)
            exact = -np.log(0.1) / fit["b_b_Intercept"].to_numpy()
            np.testing.assert_allclose(times.draws[..., 0], exact, rtol=1e-9)
        finally:
            brmspy.unregister_curve("monomol")

    def test_dose_of_a_logistic_regression(self, made_fit: Make) -> None:
        fit = made_fit(
            "dead ~ age", DATA.assign(dead=[0, 0, 0, 1, 1] * 3), "bernoulli",
            draws={"b": np.stack([spread(-3, -2), spread(0.3, 0.5)], axis=-1)},
        )  # fmt: skip
        exact = -fit["b_Intercept"].to_numpy() / fit["b_age"].to_numpy()
        np.testing.assert_allclose(fit.time_to(0.5).draws[..., 0], exact, rtol=1e-9)

    def test_first_of_several_crossings(self, made_fit: Make) -> None:
        # Damped waves around 1: past 0.9 the first time long before they come to rest.
        fit = made_fit(
            bf("size ~ a - a * exp(-0.1 * age) * cos(b * age)", "a + b ~ 1", nl=True), DATA,
            prior=flat("a", "b"), draws=given(a=1.0, b=spread(0.9, 1.1)),
        )  # fmt: skip
        when = fit.time_to(0.9).draws[..., 0].to_numpy()
        b = fit["b_b_Intercept"].to_numpy()
        np.testing.assert_allclose(1 - np.exp(-0.1 * when) * np.cos(b * when), 0.9, rtol=1e-9)
        assert (when < np.pi / 2 / b).all()

    def test_some_draws(self, trees: BrmsFit) -> None:
        assert trees.time_to(ndraws=10).draws.sizes["draw"] == 5

    def test_one_row_of_data_for_each_level(self, made_fit: Make) -> None:
        fit = made_fit(
            bf("size ~ SSasympOrig(age, Asym, lrc)", "Asym ~ 1 + (1 | tree)", "lrc ~ 1", nl=True),
            DATA.assign(tree=[f"t{i}" for i in range(12)] + ["t0", "t1", "t2"]),
            draws=given(Asym=spread(20, 30), lrc=spread(-3, -2)),
        )
        times = fit.time_to(0.5, levels="t11")
        exact = np.log(2) / np.exp(fit["b_lrc_Intercept"].to_numpy())
        np.testing.assert_allclose(times.draws[..., 1], exact, rtol=1e-9)


class TestStart:
    def test_of_the_way(self, made_fit: Make) -> None:
        fit = asymptotic(made_fit)
        times = fit.time_to(0.9, start=2)
        exact = 2.0 + np.log(10) / np.exp(fit["b_lrc_Intercept"].to_numpy())
        np.testing.assert_allclose(times.draws[..., 0], exact, rtol=1e-9)
        assert "a fraction of the way from its value at age = 2 to its asymptote" in times.about

    def test_decay_to_zero(self, made_fit: Make) -> None:
        fit = made_fit(
            bf("size ~ SSexpdecay(age, R0, lrc)", "R0 + lrc ~ 1", nl=True), DATA,
            prior=flat("R0", "lrc"), draws=given(R0=spread(20, 30), lrc=spread(-3, -2)),
        )  # fmt: skip
        half = fit.time_to(0.5, start=0).draws[..., 0]
        exact = np.log(2) / np.exp(fit["b_lrc_Intercept"].to_numpy())
        np.testing.assert_allclose(half, exact, rtol=1e-9)
        with pytest.raises(BrmspyError, match=r"asymptote of the population's curve is zero.*"
                           r"in 300 of 300 draws.*With start=, such as start=2"):  # fmt: skip
            fit.time_to(0.5)


class TestNone:
    @pytest.mark.parametrize(
        "body", ["a * age^0.7 + b", "SSpowerlaw(age, a, 0.7) * 1 + b", "SSexpgrowth(age, a, b)"]
    )
    def test_no_asymptote(self, made_fit: Make, body: str) -> None:
        fit = made_fit(
            bf(f"size ~ {body}", "a + b ~ 1", nl=True), DATA,
            prior=flat("a", "b"), draws=given(a=spread(1, 2), b=spread(-2, -1)),
        )  # fmt: skip
        with pytest.raises(BrmspyError, match=r"^The population's curve has no asymptote: it goes "
                           r"on changing for ever larger age, in 300 of 300 draws \(0, 1, 2, 3, 4, "
                           r"\.\.\.\)"):  # fmt: skip
            fit.time_to()

    def test_past_it_at_the_start(self, made_fit: Make) -> None:
        fit = asymptotic(made_fit, R0=15.0)
        with pytest.raises(BrmspyError, match=r"population's curve is past 0\.3 of its asymptote "
                           r"at age = 0, .* in 300 of 300 draws.*within=\(-18,"):  # fmt: skip
            fit.time_to(0.3)
        times = fit.time_to(0.3, within=(-200, 200))
        np.testing.assert_allclose(times.draws[..., 0], inverse(fit, 0.3), rtol=1e-9)

    def test_not_within_reach(self, trees: BrmsFit) -> None:
        with pytest.raises(BrmspyError, match=r"curve has not reached 0\.9 of its asymptote by "
                           r"age = 10, .* in 300 of 300.* 3 other curves\. Look"):  # fmt: skip
            trees.time_to(0.9, within=(0, 10))

    def test_few_draws_are_left_out_and_told_of(self, made_fit: Make) -> None:
        lrc = spread(-3, -2)
        lrc[0, 7] = -9.0  # 90 % takes about 20,000 years
        fit = asymptotic(made_fit, lrc=lrc, R0=0.0)
        with pytest.warns(BrmspyWarning, match=r"by age = 1820, .*in 1 of 300 draws \(7\)\. These"):
            times = fit.time_to(0.9)
        assert np.isnan(times.draws[0, 7, 0])
        exact = np.delete(inverse(fit, 0.9).ravel(), 7)
        assert times.table["Estimate"].item() == pytest.approx(exact.mean())
        assert times.table["reached"].item() == pytest.approx(299 / 300)
        assert "0.997" in str(times)
        np.testing.assert_allclose(
            fit.time_to(0.9, within=(0, 1e6)).draws[..., 0], inverse(fit, 0.9), rtol=1e-9
        )

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"fraction": 1.0}, r"fraction = 1\.0 is not valid: it is between 0 and 1"),
            ({"fraction": ()}, r"fraction = \(\) is not valid"),
            ({"fraction": "half"}, "fraction = 'half' is not valid"),
            ({"fraction": True}, "fraction = True is not valid"),
            ({"x": "aeg"}, "x = 'aeg' is no predictor of the model.*'age'"),
            ({"x": "tree"}, "x = 'tree' only tells groups apart"),
            ({"by": "age"}, "x and by are both 'age'"),
            ({"group": "site"}, "no grouping factor 'site'"),
            ({"levels": ["D"]}, "'tree' has no level 'D'"),
            ({"levels": []}, r"levels = \[\] names no level"),
            ({"group": "NA", "levels": ["B"]}, "say of which, with group="),
            ({"start": "birth"}, "start = 'birth' is not valid: it is a value of 'age'"),
            ({"start": 1e9}, "is beyond 1820, where the search ends"),
            ({"start": 5, "within": (10, 20)}, r"start = 5 is outside of within = \(10, 20\)"),
            ({"within": (20, 10)}, r"within = \(20, 10\) is not valid"),
            ({"within": 20}, "within = 20 is not valid"),
            ({"prob": 95}, "prob = 95 is not valid"),
            ({"at": {"weight": 1}}, "weight"),
        ],
    )
    def test_bad_arguments(self, trees: BrmsFit, options: dict[str, object], message: str) -> None:
        with pytest.raises(BrmspyError, match=message):
            trees.time_to(**options)  # type: ignore[arg-type]

    def test_spline_like_terms(self, made_fit: Make) -> None:
        fit = made_fit("size ~ poly(age, 2)", DATA)
        with pytest.raises(BrmspyError, match="Write the curve as a non-linear formula"):
            fit.time_to()

    def test_factor(self, made_fit: Make) -> None:
        with pytest.raises(BrmspyError, match="'kind' is a factor"):
            made_fit("size ~ kind + age", DATA).time_to(x="kind")
        with pytest.raises(BrmspyError, match="reads no number"):
            made_fit("size ~ kind", DATA).time_to()

    def test_names_of_the_table(self, made_fit: Make) -> None:
        fit = made_fit("size ~ age + value", DATA.assign(value=DATA["kind"]))
        with pytest.raises(BrmspyError, match=r"has a column 'value' of its own\. Rename"):
            fit.time_to(x="age", by="value")

    def test_groups_of_odd_names(self, made_fit: Make) -> None:
        for name in ("obs", "chain", "row", "my tree"):
            quoted = f"`{name}`"
            fit = made_fit(
                bf("size ~ SSasympOrig(age, Asym, lrc)", f"Asym ~ 1 + (1 | {quoted})", "lrc ~ 1",
                   nl=True),
                DATA.assign(**{name: DATA["tree"]}),
                draws=given(Asym=spread(40, 50), lrc=spread(-3, -2)),
            )  # fmt: skip
            times = fit.time_to(0.5)
            assert times.table[name].fillna("").tolist() == ["", "A 1", "B", "C"]
            assert times.draws.dims == ("chain", "draw", "row")


class TestPrinted:
    def test_text(self, made_fit: Make) -> None:
        fit = asymptotic(made_fit, " + (1 | tree)", Asym=25.0, R0=0.0, lrc=np.log(0.1))
        text = str(fit.time_to(0.5, group="NA"))
        lines = text.splitlines()
        assert lines[0].split() == ["fraction", "Estimate", "Est.Error", "Q2.5", "Q97.5", "value"]
        assert lines[1].split() == ["0.5", "6.93", "0.00", "6.93", "6.93", "12.50"]
        assert lines[3] == (
            "The age at which the expected size has come to a fraction of its asymptote."
        )
        html = fit.time_to(0.5, group="NA")._repr_html_()
        assert "6.93" in html
        assert "has come to a fraction" in html
