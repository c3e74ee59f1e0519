"""Marginal means, contrasts and joint tests against values computed by hand from the draws."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.special import expit

from brmspy import BrmsFit, bf
from brmspy.effects import Contrasts, MarginalMeans, target
from brmspy.effects.coefficients import CONTRASTS, contrast_coefficients
from brmspy.errors import BrmspyError, FormulaError

FitOf = Callable[..., BrmsFit]


def flat(fit: BrmsFit, name: str) -> Any:
    """Return draws of a parameter, chain after chain, shape (draw, 1)."""
    return fit[name].to_numpy().reshape(-1, 1)


def draws(found: MarginalMeans | Contrasts) -> Any:
    """Return draws of means or contrasts, shape (draw, n)."""
    assert found.draws.dims[:2] == ("chain", "draw")
    return found.draws.to_numpy().reshape(-1, len(found.table))


def cell(fit: BrmsFit, f: str, flag: bool, x: float) -> Any:
    """Return the linear predictor of ``x + f * flag`` in one cell, shape (draw, 1)."""
    value = flat(fit, "b_Intercept") + flat(fit, "b_x") * x
    if f != "b":
        value = value + flat(fit, f"b_f{f}")
    if flag:
        value = value + flat(fit, "b_flagTRUE")
        if f != "b":
            value = value + flat(fit, f"b_f{f}:flagTRUE")
    return value


def shortest(values: Any, prob: float) -> tuple[float, float]:
    """Return the shortest interval that holds a share of the values."""
    ordered = np.sort(np.ravel(values))
    inside = int(np.floor(prob * len(ordered)))
    width = ordered[inside:] - ordered[: len(ordered) - inside]
    start = int(width.argmin())
    return ordered[start], ordered[start + inside]


MODEL = "y ~ x + f * flag + (1 | g)"
MEAN_X = 3.8125


class TestMeans:
    def test_average_over_the_levels_of_other_factors(self, fit_of: FitOf) -> None:
        fit = fit_of(MODEL)
        found = fit.emmeans("f")
        expected = np.hstack(
            [(cell(fit, f, False, MEAN_X) + cell(fit, f, True, MEAN_X)) / 2 for f in "bac"]
        )
        np.testing.assert_allclose(draws(found), expected)
        assert list(found.table) == ["f", "emmean", "lower.HPD", "upper.HPD"]
        assert found.table["f"].tolist() == ["b", "a", "c"]
        np.testing.assert_allclose(found.table["emmean"], np.median(expected, axis=0))
        for place, row in found.table.iterrows():
            ends = shortest(expected[:, int(str(place))], 0.95)
            np.testing.assert_allclose([row["lower.HPD"], row["upper.HPD"]], ends)
        assert "Averaged over flag (FALSE, TRUE), with equal weights." in found.notes
        assert found.notes[-1] == "Held at x = 3.812 (mean); group-level effects left out."

    @pytest.mark.parametrize("specs", ["~ f * flag", "~ f + flag", "~ f:flag", ["f", "flag"]])
    def test_combinations_of_levels(self, fit_of: FitOf, specs: Any) -> None:
        fit = fit_of(MODEL)
        found = fit.emmeans(specs)
        assert list(found.draws["mean"].to_numpy()) == [
            "b FALSE", "b TRUE", "a FALSE", "a TRUE", "c FALSE", "c TRUE",
        ]  # fmt: skip
        expected = [cell(fit, f, flag, MEAN_X) for f in "bac" for flag in (False, True)]
        np.testing.assert_allclose(draws(found), np.hstack(expected))

    @pytest.mark.parametrize(
        ("weights", "share"),
        [
            ("equal", {"b": 1 / 2, "a": 1 / 2, "c": 1 / 2}),
            ("proportional", {"b": 4 / 8, "a": 4 / 8, "c": 4 / 8}),
            ("outer", {"b": 4 / 8, "a": 4 / 8, "c": 4 / 8}),
            ("cells", {"b": 1 / 3, "a": 2 / 3, "c": 1 / 2}),
        ],
    )
    def test_weights(self, fit_of: FitOf, weights: str, share: dict[str, float]) -> None:
        # Of three b's one has the flag, of three a's two, of two c's one.
        fit = fit_of(MODEL)
        expected = [
            share[f] * cell(fit, f, True, MEAN_X) + (1 - share[f]) * cell(fit, f, False, MEAN_X)
            for f in "bac"
        ]
        np.testing.assert_allclose(draws(fit.emmeans("f", weights=weights)), np.hstack(expected))

    def test_weights_in_proportion_to_unequal_frequencies(self, fit_of: FitOf) -> None:
        fit = fit_of(MODEL)
        means = np.hstack([cell(fit, f, True, MEAN_X) for f in "bac"])
        found = fit.emmeans("flag", weights="proportional")
        np.testing.assert_allclose(draws(found)[:, 1], means @ np.array([3, 3, 2]) / 8)

    def test_empty_cells_have_no_weight(self, fit_of: FitOf) -> None:
        with pytest.raises(BrmspyError, match="no rows of some of the combinations"):
            fit_of("y ~ f + g").emmeans("f", weights="cells", at={"g": ["u", "v"]})

    def test_overall_mean(self, fit_of: FitOf) -> None:
        fit = fit_of(MODEL)
        expected = sum(cell(fit, f, flag, MEAN_X) for f in "bac" for flag in (False, True)) / 6
        np.testing.assert_allclose(draws(fit.emmeans("~ 1")), expected)

    def test_other_values(self, fit_of: FitOf) -> None:
        fit = fit_of(MODEL)
        found = fit.emmeans("f", at={"x": 1.0, "flag": True, "f": ["c", "b"]})
        expected = np.hstack([cell(fit, f, True, 1.0) for f in "cb"])
        np.testing.assert_allclose(draws(found), expected)
        assert found.notes[-1].startswith("Held at x = 1, flag = True;")
        along = fit.emmeans("x", at={"x": [0, 2]})
        assert along.table["x"].tolist() == [0, 2]
        np.testing.assert_allclose(np.diff(draws(along)), 2 * flat(fit, "b_x"))
        averaged = fit.emmeans("f", at={"x": [0, 2]})
        np.testing.assert_allclose(draws(averaged), draws(fit.emmeans("f", at={"x": 1})))

    def test_numbers_with_two_values_are_factors(self, fit_of: FitOf) -> None:
        fit = fit_of("y ~ f + bit")
        b, bit = flat(fit, "b_Intercept"), flat(fit, "b_bit")
        np.testing.assert_allclose(draws(fit.emmeans("f"))[:, :1], b + bit / 2)
        np.testing.assert_allclose(draws(fit.emmeans("f", cov_keep=0))[:, :1], b + bit * 5 / 8)
        named = fit.emmeans("f", cov_keep=["bit"], weights="proportional")
        np.testing.assert_allclose(draws(named)[:, :1], b + bit * 5 / 8)

    def test_means_of_the_response(self, fit_of: FitOf) -> None:
        fit = fit_of("count | trials(size) ~ x + f * flag", "binomial")
        linear = [cell(fit, "a", flag, MEAN_X) for flag in (False, True)]
        probability = fit.emmeans("f", epred=True)
        np.testing.assert_allclose(
            draws(probability)[:, [1]], (expit(linear[0]) + expit(linear[1])) / 2
        )
        back = fit.emmeans("f", type="response")
        np.testing.assert_allclose(draws(back)[:, [1]], expit((linear[0] + linear[1]) / 2))
        assert list(back.table)[1] == "prob"
        assert list(probability.table)[1] == "emmean"
        assert fit_of("count ~ f", "poisson").emmeans("f", type="response").table.columns[1] == (
            "rate"
        )

    def test_other_parameters(self, fit_of: FitOf) -> None:
        fit = fit_of(bf("y ~ x", "sigma ~ f"))
        log_sd = fit.emmeans("f", dpar="sigma")
        expected = flat(fit, "b_sigma_Intercept") + flat(fit, "b_sigma_fc")
        np.testing.assert_allclose(draws(log_sd)[:, [2]], expected)
        sd = fit.emmeans("f", dpar="sigma", type="response")
        np.testing.assert_allclose(draws(sd)[:, [2]], np.exp(expected))
        curve = fit_of(bf("y ~ A * exp(-k * x)", "A ~ 0 + f", "k ~ 1", nl=True))
        found = curve.emmeans("f", nlpar="A")
        np.testing.assert_allclose(draws(found)[:, [1]], flat(curve, "b_A_fa"))

    def test_effects_of_a_new_level(self, fit_of: FitOf) -> None:
        fit = fit_of(MODEL)
        new = fit.emmeans("f", re_formula=None)
        assert draws(new).std() > draws(fit.emmeans("f")).std()
        assert new.notes[-1].endswith("group-level effects: all, of a new level.")
        # Means of one new level share its effects, so that their differences have none.
        np.testing.assert_allclose(draws(new.pairs()), draws(fit.emmeans("f").pairs()))

    def test_small_chunks_give_the_same(
        self, fit_of: FitOf, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fit = fit_of(MODEL)
        whole = draws(fit.emmeans("f", re_formula=None))
        monkeypatch.setattr(target, "_CHUNK", 200)
        np.testing.assert_allclose(draws(fit.emmeans("f", re_formula=None)), whole)


class TestContrasts:
    def test_pairs_within_levels(self, fit_of: FitOf) -> None:
        fit = fit_of(MODEL)
        found = fit.emmeans("pairwise ~ f | flag")
        contrasts = found.contrasts
        assert contrasts is not None
        assert contrasts.table["flag"].tolist() == [False] * 3 + [True] * 3
        assert contrasts.table["contrast"].tolist() == ["b - a", "b - c", "a - c"] * 2
        expected = cell(fit, "a", True, 0) - cell(fit, "c", True, 0)
        np.testing.assert_allclose(draws(contrasts)[:, [5]], expected, atol=1e-12)
        np.testing.assert_allclose(contrasts.table["estimate"][5], np.median(expected))
        assert contrasts.draws["contrast"].to_numpy()[5] == "a - c | True"
        turned = fit.emmeans("~ f * flag").contrast(by="flag")
        np.testing.assert_allclose(draws(turned), draws(contrasts))
        by = fit.emmeans("f", by="flag").pairs()
        np.testing.assert_allclose(draws(by), draws(contrasts))

    def test_log_ratios_and_odds_ratios(self, fit_of: FitOf) -> None:
        rates = fit_of("count ~ f + x", "negbinomial")
        found = rates.emmeans("f").contrast("trt.vs.ctrl", type="response")
        np.testing.assert_allclose(draws(found)[:, [0]], np.exp(flat(rates, "b_fa")))
        assert list(found.table) == ["contrast", "ratio", "lower.HPD", "upper.HPD"]
        assert found.table["contrast"].tolist() == ["a / b", "c / b"]
        odds = fit_of("bit ~ f", "bernoulli").emmeans("pairwise ~ f", type="response").contrasts
        assert odds is not None
        assert odds.table.columns[1] == "odds.ratio"
        linear = fit_of("bit ~ f", "bernoulli").emmeans("f").contrast()
        assert linear.table.columns[1] == "estimate"
        assert linear.table["contrast"][0] == "b - a"

    def test_products_of_contrasts(self, fit_of: FitOf) -> None:
        fit = fit_of(MODEL)
        means = fit.emmeans("~ f * flag")
        found = means.contrast(["consec", "pairwise"], interaction=True)
        assert found.table["contrast"].tolist() == [
            "(a - b) : (FALSE - TRUE)",
            "(c - a) : (FALSE - TRUE)",
        ]
        np.testing.assert_allclose(draws(found)[:, [0]], -flat(fit, "b_fa:flagTRUE"), atol=1e-12)

    def test_own_coefficients(self, fit_of: FitOf) -> None:
        fit = fit_of("y ~ f")
        means = fit.emmeans("f")
        given = {"b and a": [0.5, 0.5, -1], "c - a": {"c": 1, "a": -1}}
        found = means.contrast(given)
        fa, fc = flat(fit, "b_fa"), flat(fit, "b_fc")
        np.testing.assert_allclose(draws(found), np.hstack([fa / 2 - fc, fc - fa]), atol=1e-12)
        assert found.table["contrast"].tolist() == ["b and a", "c - a"]
        means_of = fit_of("count ~ f", "poisson").emmeans("f", type="response")
        assert means_of.contrast({"all": [1, 1, 1]}).table.columns[1] == "exp.estimate"


COEFFICIENTS: list[tuple[str, int, dict[str, Any], list[str], list[list[float]]]] = [
    ("pairwise", 3, {}, ["1 - 2", "1 - 3", "2 - 3"], [[1, -1, 0], [1, 0, -1], [0, 1, -1]]),
    ("revpairwise", 2, {}, ["2 - 1"], [[-1, 1]]),
    ("trt.vs.ctrl", 3, {}, ["2 - 1", "3 - 1"], [[-1, 1, 0], [-1, 0, 1]]),
    ("trt.vs.ctrl", 3, {"ref": -1}, ["1 - 3", "2 - 3"], [[1, 0, -1], [0, 1, -1]]),
    ("trt.vs.ctrl", 3, {"ref": "2"}, ["1 - 2", "3 - 2"], [[1, -1, 0], [0, -1, 1]]),
    ("trt.vs.ctrl", 2, {"reverse": True}, ["1 - 2"], [[1, -1]]),
    ("consec", 3, {}, ["2 - 1", "3 - 2"], [[-1, 1, 0], [0, -1, 1]]),
    ("eff", 2, {}, ["1 effect", "2 effect"], [[0.5, -0.5], [-0.5, 0.5]]),
    ("poly", 2, {}, ["linear"], [[-1, 1]]),
    ("poly", 3, {}, ["linear", "quadratic"], [[-1, 0, 1], [1, -2, 1]]),
    # Fisher and Yates' table of orthogonal polynomials.
    (
        "poly",
        5,
        {},
        ["linear", "quadratic", "cubic", "quartic"],
        [[-2, -1, 0, 1, 2], [2, -1, -2, -1, 2], [-1, 2, 0, -2, 1], [1, -4, 6, -4, 1]],
    ),
    (
        "poly",
        6,
        {},
        ["linear", "quadratic", "cubic", "quartic", "degree 5"],
        [
            [-5, -3, -1, 1, 3, 5],
            [5, -1, -4, -4, -1, 5],
            [-5, 7, 4, -4, -7, 5],
            [1, -3, 2, 2, -3, 1],
            [-1, 5, -10, 10, -5, 1],
        ],
    ),
]


@pytest.mark.parametrize(("method", "size", "options", "names", "matrix"), COEFFICIENTS)
def test_coefficients(
    method: str, size: int, options: dict[str, Any], names: list[str], matrix: list[list[float]]
) -> None:
    labels = [str(place + 1) for place in range(size)]
    found = contrast_coefficients(method, labels, **options)
    assert list(found.labels(ratios=False)) == names
    np.testing.assert_allclose(found.matrix, matrix)


def test_high_degrees_are_left_out() -> None:
    found = contrast_coefficients("poly", list("abcdefghij"))
    assert len(found.matrix) == 6
    assert found.matrix[0].tolist() == [-9, -7, -5, -3, -1, 1, 3, 5, 7, 9]


def test_contrasts_sum_to_zero() -> None:
    for method in CONTRASTS:
        matrix = contrast_coefficients(method, list("abcd")).matrix
        np.testing.assert_allclose(matrix.sum(axis=1), 0, atol=1e-12)


class TestJointTests:
    def test_statistic_by_hand(self, fit_of: FitOf) -> None:
        fit = fit_of(MODEL)
        found = fit.joint_tests()
        assert found.table["model term"].tolist() == ["f", "flag", "f:flag"]
        assert found.table["df1"].tolist() == [2, 1, 2]
        assert np.isinf(found.table["df2"]).all()
        interaction = np.hstack([flat(fit, "b_fa:flagTRUE"), flat(fit, "b_fc:flagTRUE")])
        main = np.hstack([flat(fit, "b_fa"), flat(fit, "b_fc")]) + interaction / 2
        for row, contrasts in ((0, main), (2, interaction)):
            mean, covariance = contrasts.mean(axis=0), np.cov(contrasts.T)
            wald = mean @ np.linalg.solve(covariance, mean)
            assert found.table["F.ratio"][row] == pytest.approx(wald / 2)
            assert found.table["p.value"][row] == pytest.approx(stats.chi2.sf(wald, 2))
            off = contrasts - mean
            far = np.einsum("si,si->s", off @ np.linalg.inv(covariance), off) >= wald
            assert found.table["beyond"][row] == pytest.approx(far.mean())

    def test_any_contrasts_of_a_factor_say_the_same(self, fit_of: FitOf) -> None:
        means = fit_of(MODEL).emmeans("f")
        expected = means.joint_tests().table["F.ratio"][0]
        for method in CONTRASTS:
            joint = means.contrast(method).joint().table
            assert joint["df1"].tolist() == [2]
            assert joint["F.ratio"][0] == pytest.approx(expected)

    def test_within_levels(self, fit_of: FitOf) -> None:
        fit = fit_of(MODEL)
        found = fit.joint_tests(by="flag").table
        assert found["flag"].tolist() == [False, True]
        assert found["model term"].tolist() == ["f", "f"]
        alone = fit.joint_tests("f", at={"flag": True}).table["F.ratio"][0]
        assert found["F.ratio"][1] == pytest.approx(alone)
        contrasts = fit.emmeans("pairwise ~ f | flag").contrasts
        assert contrasts is not None
        assert contrasts.joint().table["F.ratio"][1] == pytest.approx(alone)

    def test_interactions_that_the_model_lacks_are_left_out(self, fit_of: FitOf) -> None:
        found = fit_of("y ~ f + flag").joint_tests().table
        assert found["model term"].tolist() == ["f", "flag"]

    def test_models_without_factors(self, fit_of: FitOf) -> None:
        with pytest.raises(BrmspyError, match="no factors to test"):
            fit_of("y ~ x").joint_tests()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda fit: fit.emmeans("h"), "do not read 'h'"),
        (lambda fit: fit.emmeans("~ f * h"), "do not read 'h'"),
        (lambda fit: fit.emmeans("f | flag"), "do not read 'f | flag'"),
        (lambda fit: fit.emmeans("f", by="f"), "names no column besides"),
        (lambda fit: fit.emmeans("pairwse ~ f"), "method = 'pairwse'.*'pairwise'"),
        (lambda fit: fit.emmeans("f", weights="even"), "weights = 'even'"),
        (lambda fit: fit.emmeans("f", type="linear"), "type = 'linear'"),
        (lambda fit: fit.emmeans("f", at={"h": 1}), "do not read 'h'"),
        (lambda fit: fit.emmeans("f", at={"flag": []}), "no values for 'flag'"),
        (lambda fit: fit.emmeans("f", at={"f": "d"}), "no level 'd'"),
        (lambda fit: fit.emmeans("f", prob=0), "prob = 0"),
        (lambda fit: fit.emmeans("f").contrast("tukey"), "method = 'tukey'"),
        (lambda fit: fit.emmeans("f").contrast({"d": [1, 2]}), "2 coefficients for 3 means"),
        (lambda fit: fit.emmeans("f").contrast({"d": {"z": 1}}), "'z'"),
        (lambda fit: fit.emmeans("f").contrast({}), "no contrasts"),
        (lambda fit: fit.emmeans("f").contrast(ref=1), "ref belongs to"),
        (lambda fit: fit.emmeans("f").contrast("trt.vs.ctrl", ref="q"), "'q'"),
        (lambda fit: fit.emmeans("f").contrast("trt.vs.ctrl", ref=7), "no mean at place 7"),
        (lambda fit: fit.emmeans("f").contrast(["eff", "eff"]), "interaction=True"),
        (lambda fit: fit.emmeans("f").contrast(["eff", "eff"], interaction=True), "1 factors"),
        (lambda fit: fit.emmeans("f").contrast(by="x"), "by = 'x'"),
        (lambda fit: fit.emmeans("~ 1").contrast(), "only one mean"),
    ],
)
def test_bad_input(fit_of: FitOf, call: Any, message: str) -> None:
    with pytest.raises(BrmspyError, match=message):
        call(fit_of(MODEL))


@pytest.mark.parametrize("specs", ["y + 2 ~ f", "~ log(f)", "~ f - flag", "pairwise ~ 2"])
def test_formulas_that_say_nothing(fit_of: FitOf, specs: str) -> None:
    with pytest.raises(FormulaError, match="of which columns means"):
        fit_of(MODEL).emmeans(specs)


def test_odd_names(fit_to: FitOf) -> None:
    frame = pd.DataFrame(
        {
            "y": np.arange(8.0),
            "the dose": pd.Categorical(list("abbaabab"), ["b", "a"]),
            "mean": list("uvuvvuuv"),
        }
    )
    fit = fit_to("y ~ `the dose` * mean", frame)
    found = fit.emmeans("pairwise ~ `the dose` | mean")
    assert list(found.table)[:2] == ["mean", "the dose"]
    assert found.contrasts is not None
    assert found.contrasts.table["contrast"].tolist() == ["b - a", "b - a"]


def test_what_is_printed(fit_of: FitOf) -> None:
    found = fit_of("bit ~ x + f * flag", "bernoulli").emmeans("pairwise ~ f", type="response")
    text, html = repr(found), found._repr_html_()
    for said in (
        "Marginal means",
        "Contrasts",
        "odds.ratio",
        "Averaged over flag (FALSE, TRUE), with equal weights.",
        "Held at x = 3.812 (mean).",
        "Averaged on the logit scale, and taken back from it.",
        "Differences on the logit scale, as ratios.",
    ):
        assert said in text
        assert said in html
    joint = found.joint_tests()
    assert "Approximate" in repr(joint)
    assert "Approximate" in joint._repr_html_()
