"""Which method fits what, against statsmodels' formulas, SciPy and closed forms."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from brmspy import bernoulli, bf, frequentist, load_dataset, poisson, prior
from brmspy.errors import BrmspyError
from brmspy.twin.problem import Problem

RNG = np.random.default_rng(20261121)
ROWS = 240


def _data():
    x = RNG.normal(size=ROWS)
    g = np.arange(ROWS) % 12
    effect = RNG.normal(size=12)[g]
    mean = np.exp(0.5 + 0.3 * x + 0.4 * effect)
    return pd.DataFrame(
        {
            "x": x,
            "g": g.astype(str),
            "h": (np.arange(ROWS) % 5).astype(str),
            "chain": (np.arange(ROWS) // 4).astype(str),
            "odd name": x**2,
            "y": 1.0 + 2.0 * x + effect + 0.7 * RNG.standard_t(4, size=ROWS),
            "n": RNG.poisson(mean),
            "k": RNG.negative_binomial(2.0, 2.0 / (2.0 + mean)),
            "b": (RNG.uniform(size=ROWS) < 1.0 / (1.0 + np.exp(-x - effect))).astype(int),
            "w": RNG.integers(1, 4, size=ROWS),
            "t": RNG.uniform(1.0, 3.0, size=ROWS),
        }
    )


DATA = _data()


def coefficients(found):
    return found.table.loc[list(found.vcov.index)]


class TestAutomaticChoice:
    @pytest.mark.parametrize(
        ("formula", "family", "method"),
        [
            ("y ~ x", "gaussian", "ols"),
            ("y ~ x", "student", "ml"),
            ("b ~ x", "bernoulli", "glm"),
            ("n ~ x", "poisson", "glm"),
            ("k ~ x", "negbinomial", "ml"),
            ("y ~ x + (1 | g)", "gaussian", "mixedlm"),
            ("y ~ x + (1 | g) + (1 | h)", "gaussian", "lmm"),
            ("y ~ x + (x || g)", "gaussian", "lmm"),
            ("y | weights(w) ~ x + (1 | g)", "gaussian", "lmm"),
            ("y ~ 0 + (1 | g)", "gaussian", "lmm"),
            ("b ~ x + (1 | g)", "bernoulli", "glmm"),
            (bf("y ~ x", "sigma ~ x"), "gaussian", "ml"),
            (bf("y ~ x", sigma=1.5), "gaussian", "ml"),
            (bf("y ~ a + c * x", "a + c ~ 1", nl=True), "gaussian", "nls"),
            (bf("n ~ a + c * x", "a + c ~ 1", nl=True), "poisson", "ml"),
            (bf("y ~ a + c * x", "a ~ 1 + (1 | g)", "c ~ 1", nl=True), "gaussian", "nlmm"),
        ],
    )
    def test_is_the_usual_one(self, formula, family, method):
        found = frequentist(formula, DATA, family)
        assert found.method == method
        assert found.converged
        assert np.isfinite(coefficients(found).to_numpy()).all()

    def test_boundary_is_left_to_our_estimator(self):
        """Groups with the same mean differ less than by chance."""
        same = DATA["y"] - DATA.groupby("g")["y"].transform("mean")
        found = frequentist("y ~ 1 + (1 | g)", DATA.assign(y=same))
        assert found.method == "lmm"
        assert found.singular == ("sd_g__Intercept",)
        assert "zero" in found.message
        with pytest.raises(BrmspyError, match="Use method='lmm'"):
            frequentist("y ~ 1 + (1 | g)", DATA.assign(y=same), method="mixedlm")

    @pytest.mark.parametrize(
        ("formula", "family", "why"),
        [
            ("y ~ x + (1 | g)", "student", "Student's t"),
            (bf("y ~ x + (1 | g)", "sigma ~ x"), "gaussian", "a formula for sigma"),
            (bf("y ~ x + (1 | g)", sigma=2), "gaussian", "a fixed value of sigma"),
            (
                bf("n ~ a + c * x", "a ~ 1 + (1 | g)", "c ~ 1", nl=True),
                "poisson",
                "a non-linear formula for a poisson response",
            ),
        ],
    )
    def test_no_counterpart_is_said(self, formula, family, why):
        with pytest.raises(BrmspyError, match=f"no frequentist counterpart here, because of {why}"):
            frequentist(formula, DATA, family)


class TestPooled:
    def test_least_squares(self):
        """The closed form, with an offset."""
        found = frequentist("y ~ x + offset(t)", DATA)
        X, y = np.column_stack([np.ones(ROWS), DATA["x"]]), DATA["y"] - DATA["t"]
        beta, squares = np.linalg.lstsq(X, y, rcond=None)[:2]
        sigma = float(np.sqrt(squares[0] / (ROWS - 2)))
        errors = sigma * np.sqrt(np.diagonal(np.linalg.inv(X.T @ X)))
        assert coefficients(found)["Estimate"].to_numpy() == pytest.approx(beta)
        assert coefficients(found)["Std.Error"].to_numpy() == pytest.approx(errors)
        assert found.sigma == pytest.approx(sigma)
        density = stats.norm(X @ beta, np.sqrt(squares[0] / ROWS)).logpdf(y).sum()
        assert found.log_likelihood == pytest.approx(density)
        low, high = found.conf_int(0.9).loc["b_x"]
        t = stats.t(ROWS - 2).ppf(0.95)
        assert (low, high) == pytest.approx((beta[1] - t * errors[1], beta[1] + t * errors[1]))
        assert found.fitted.to_numpy() == pytest.approx(X @ beta + DATA["t"].to_numpy())

    @pytest.mark.parametrize(
        ("formula", "response", "family"),
        [
            ("{} ~ x", "y", "gaussian"),
            ("{} ~ x", "n", "poisson"),
            ("{} ~ x", "b", "bernoulli"),
            ("{} ~ x", "k", "negbinomial"),
            ("{} ~ x", "y", "student"),
            ("{} ~ x + (1 | g)", "y", "gaussian"),
            ("{} ~ x + (1 | g)", "n", "poisson"),
        ],
    )
    def test_weights_count_rows(self, formula, response, family):
        """A row of weight three is three rows."""
        repeated = DATA.loc[DATA.index.repeat(DATA["w"])].reset_index(drop=True)
        ours = frequentist(formula.format(f"{response} | weights(w)"), DATA, family)
        theirs = frequentist(formula.format(response), repeated, family)
        for column in ("Estimate", "Std.Error"):
            assert ours.table[column].to_numpy() == pytest.approx(
                theirs.table[column].to_numpy(), rel=2e-3
            )
        assert ours.log_likelihood == pytest.approx(theirs.log_likelihood, abs=1e-3)

    def test_binomial_counts_are_sums_of_bernoulli_rows(self):
        summed = (
            DATA.assign(x=DATA["x"].round())
            .groupby("x", as_index=False)
            .agg(s=("b", "sum"), n=("b", "size"))
        )
        counts = frequentist("s | trials(n) ~ x", summed, "binomial")
        rows = frequentist("b ~ x", DATA.assign(x=DATA["x"].round()), "bernoulli")
        assert counts.table.to_numpy() == pytest.approx(rows.table.to_numpy(), rel=1e-6)
        assert counts.fitted.to_numpy().sum() == pytest.approx(DATA["b"].sum())

    def test_other_links(self):
        """statsmodels has no softplus; where it has the link, it finds the same."""
        for link, columns in (("logit", 4), ("probit", 1)):  # errors: expected against observed
            theirs = frequentist("b ~ x", DATA, bernoulli(link))
            assert theirs.method == "glm"
            numeric = frequentist("b ~ x", DATA, bernoulli(link), method="ml")
            assert numeric.table.iloc[:, :columns].to_numpy() == pytest.approx(
                theirs.table.iloc[:, :columns].to_numpy(), rel=1e-3
            )
            assert numeric.log_likelihood == pytest.approx(theirs.log_likelihood)
        assert frequentist("n ~ x", DATA, poisson("softplus")).method == "ml"

    def test_negative_binomial_is_that_of_statsmodels(self):
        from statsmodels.discrete.discrete_model import NegativeBinomial

        X = np.column_stack([np.ones(ROWS), DATA["x"]])
        theirs = NegativeBinomial(DATA["k"].to_numpy(), X).fit(disp=0, method="newton", tol=1e-10)
        ours = frequentist("k ~ x", DATA, "negbinomial")
        assert coefficients(ours)["Estimate"].to_numpy() == pytest.approx(
            theirs.params[:2], abs=1e-4
        )
        assert coefficients(ours)["Std.Error"].to_numpy() == pytest.approx(theirs.bse[:2], rel=1e-3)
        assert ours.table.loc["shape", "Estimate"] == pytest.approx(1 / theirs.params[2], rel=1e-3)
        assert ours.log_likelihood == pytest.approx(theirs.llf, abs=1e-5)

    def test_student_is_that_of_scipy(self):
        """The location, scale and degrees of freedom of a sample."""
        data = pd.DataFrame({"y": stats.t(3, 1.0, 2.0).rvs(300, random_state=1)})
        nu, mu, sigma = stats.t.fit(data["y"])
        found = frequentist("y ~ 1", data, "student").table["Estimate"]
        assert found["b_Intercept"] == pytest.approx(mu, abs=1e-3)
        assert found["sigma"] == pytest.approx(sigma, rel=1e-3)
        assert found["nu"] == pytest.approx(nu, rel=1e-2)

    @pytest.mark.parametrize(("family", "name"), [("student", "nu"), ("negbinomial", "shape")])
    def test_parameters_without_end_are_told(self, family, name):
        """Tails lighter than the normal's, counts more alike than Poisson's."""
        data = pd.DataFrame({"y": [3, 4, 5, 6] * 20})
        found = frequentist("y ~ 1", data, family)
        assert f"{name} grows without end" in found.message
        assert not found.converged

    def test_two_variances(self):
        """Closed forms: each half has its own mean and standard deviation."""
        half = np.where(np.arange(ROWS) < ROWS // 2, "a", "b")
        data = DATA.assign(f=half)
        found = frequentist(bf("y ~ 0 + f", "sigma ~ 0 + f"), data).table
        for level in "ab":
            own = DATA["y"][half == level]
            sd = own.std(ddof=0)
            assert found.loc[f"b_f{level}", "Estimate"] == pytest.approx(own.mean(), abs=1e-4)
            assert found.loc[f"b_sigma_f{level}", "Estimate"] == pytest.approx(np.log(sd), abs=1e-4)
            assert found.loc[f"b_f{level}", "Std.Error"] == pytest.approx(
                sd / np.sqrt(ROWS / 2), rel=1e-3
            )
            assert found.loc[f"b_sigma_f{level}", "Std.Error"] == pytest.approx(
                1 / np.sqrt(ROWS), rel=1e-3
            )

    def test_fixed_scale(self):
        found = frequentist(bf("y ~ 1", sigma=2), DATA)
        assert found.table.loc["b_Intercept", "Std.Error"] == pytest.approx(2 / np.sqrt(ROWS))
        density = stats.norm(DATA["y"].mean(), 2.0).logpdf(DATA["y"]).sum()
        assert found.log_likelihood == pytest.approx(density)
        assert found.parameters == 1


class TestMixed:
    def test_own_estimator_and_statsmodels_agree(self):
        formula = "Reaction ~ Days + (Days | Subject)"
        data = load_dataset("sleepstudy")
        for reml in (True, False):
            theirs = frequentist(formula, data, reml=reml)
            ours = frequentist(formula, data, reml=reml, method="lmm")
            assert (theirs.method, ours.method) == ("mixedlm", "lmm")
            assert theirs.reml == ours.reml == reml
            # Of a correlation near zero the digits say less.
            wanted = ["Estimate", "Std.Error", "l-95% CI", "u-95% CI"]
            assert theirs.table[wanted].to_numpy() == pytest.approx(
                ours.table[wanted].to_numpy(), rel=0.01, abs=1e-3
            )
            assert theirs.fitted.to_numpy() == pytest.approx(ours.fitted.to_numpy(), rel=1e-4)
            both = theirs.ranef.merge(ours.ranef, on=["group", "level", "coef"])
            assert len(both) == len(theirs.ranef)
            for column in ("Estimate", "Std.Error"):
                assert both[f"{column}_x"].to_numpy() == pytest.approx(
                    both[f"{column}_y"].to_numpy(), rel=1e-2, abs=1e-2
                )

    def test_fitted_values_are_counts(self):
        data = load_dataset("cbpp")
        found = frequentist("incidence | trials(size) ~ period + (1 | herd)", data, "binomial")
        first = found.ranef.set_index("level")["Estimate"][str(data["herd"].iloc[0])]
        eta = found.table.loc["b_Intercept", "Estimate"] + first
        expected = data["size"].iloc[0] / (1.0 + np.exp(-eta))
        assert found.fitted.iloc[0] == pytest.approx(expected)

    def test_odd_groups_and_columns(self):
        """A group called chain, and a column with a space."""
        found = frequentist("y ~ `odd name` + (1 | chain) + (1 | g:h)", DATA)
        assert list(found.table.index) == [
            "b_Intercept",
            "b_oddname",
            "sd_chain__Intercept",
            "sd_g:h__Intercept",
            "sigma",
        ]
        assert set(found.ranef["group"]) == {"chain", "g:h"}

    def test_missing_rows_keep_their_labels(self):
        data = DATA.set_index(DATA.index + 1000)
        data.loc[1003, "x"] = np.nan
        with pytest.warns(UserWarning, match="missing"):
            found = frequentist("y ~ x + (1 | g)", data)
        assert found.nobs == ROWS - 1
        assert 1003 not in found.fitted.index
        assert 1004 in found.fitted.index


class TestMarginal:
    def test_is_that_of_statsmodels_formulas(self):
        import statsmodels.api as sm
        import statsmodels.formula.api as smf

        theirs = smf.gee(
            "n ~ x",
            "g",
            DATA,
            cov_struct=sm.cov_struct.Exchangeable(),
            family=sm.families.Poisson(),
            offset=np.log(DATA["t"]),
        ).fit(ctol=1e-10)
        ours = frequentist("n ~ x + offset(log(t)) + (1 | g)", DATA, "poisson", method="gee")
        assert ours.table["Estimate"].to_numpy() == pytest.approx(
            theirs.params.to_numpy(), abs=1e-6
        )
        assert ours.table["Std.Error"].to_numpy() == pytest.approx(theirs.bse.to_numpy(), rel=1e-5)
        assert np.isnan(ours.log_likelihood)
        assert np.isnan(ours.aic)
        assert ours.ranef.empty
        assert "average over all groups" in str(ours)

    def test_trials_are_rows(self):
        data = load_dataset("cbpp")
        counts = frequentist(
            "incidence | trials(size) ~ period + (1 | herd)", data, "binomial", method="gee"
        )
        rows = data.loc[data.index.repeat(data["size"])].reset_index(drop=True)
        within = rows.groupby(data.index.repeat(data["size"]).to_numpy()).cumcount()
        rows = rows.assign(ill=(within < rows["incidence"]).astype(int))
        single = frequentist("ill ~ period + (1 | herd)", rows, "bernoulli", method="gee")
        assert counts.table.to_numpy() == pytest.approx(single.table.to_numpy(), rel=1e-5)

    def test_nested_factors_are_one_cluster(self):
        nested = frequentist(
            "yields ~ nitrogen + (1 | blocks/varieties)", load_dataset("oats"), method="gee"
        )
        coarse = frequentist("yields ~ nitrogen + (1 | blocks)", load_dataset("oats"), method="gee")
        assert nested.table["Estimate"].to_numpy() == pytest.approx(
            coarse.table["Estimate"].to_numpy()
        )
        with pytest.raises(BrmspyError, match="crossed"):
            frequentist("y ~ x + (1 | g) + (1 | h)", DATA, method="gee")


class TestCurves:
    CURVE = bf("height ~ Asym + (R0 - Asym) * exp(-exp(lrc) * age)", "Asym + R0 + lrc ~ 1", nl=True)

    def test_unnamed_curves_find_a_start(self):
        data = load_dataset("loblolly")
        named = bf("height ~ SSasymp(age, Asym, R0, lrc)", "Asym + R0 + lrc ~ 1", nl=True)
        expected = frequentist(named, data)
        assert frequentist(self.CURVE, data).table.to_numpy() == pytest.approx(
            expected.table.to_numpy(), rel=1e-3
        )
        start = {"Asym": 100, "R0": -8, "lrc": -3}
        given = frequentist(self.CURVE, data, start=start)
        assert given.table.to_numpy() == pytest.approx(expected.table.to_numpy(), rel=1e-3)
        by_name = {f"b_{name}_Intercept": value for name, value in start.items()}
        again = frequentist(self.CURVE, data, start=by_name)
        assert again.table.to_numpy() == pytest.approx(given.table.to_numpy(), rel=1e-6)

    def test_a_linear_curve_is_least_squares(self):
        curve = frequentist(bf("y ~ a + c * x", "a + c ~ 1", nl=True), DATA).table
        line = frequentist("y ~ x", DATA).table
        assert curve.to_numpy() == pytest.approx(line.to_numpy(), rel=1e-5)

    def test_a_linear_mixed_curve_is_a_linear_mixed_model(self):
        curve = frequentist(bf("y ~ a + c * x", "a ~ 1 + (1 | g)", "c ~ 1", nl=True), DATA)
        line = frequentist("y ~ x + (1 | g)", DATA, reml=False)
        assert curve.log_likelihood == pytest.approx(line.log_likelihood, abs=1e-3)
        assert curve.table["Estimate"].to_numpy() == pytest.approx(
            line.table["Estimate"].to_numpy(), rel=1e-3
        )

    def test_undetermined_parameters_are_refused(self):
        with pytest.raises(BrmspyError, match="do not tell the coefficients apart"):
            frequentist(bf("y ~ a + c + 0 * x", "a + c ~ 1", nl=True), DATA, start={"a": 1, "c": 1})

    def test_weights_with_groups_count_rows(self):
        repeated = DATA.loc[DATA.index.repeat(DATA["w"])].reset_index(drop=True)
        parameters = ("a ~ 1 + (1 | g)", "c ~ 1")
        ours = frequentist(bf("y | weights(w) ~ a + c * x", *parameters, nl=True), DATA)
        theirs = frequentist(bf("y ~ a + c * x", *parameters, nl=True), repeated)
        columns = ["Estimate", "Std.Error"]
        assert ours.table[columns].to_numpy() == pytest.approx(
            theirs.table[columns].to_numpy(), rel=2e-3
        )
        assert ours.log_likelihood == pytest.approx(theirs.log_likelihood, abs=1e-3)


class TestArguments:
    @pytest.mark.parametrize(
        ("formula", "options", "message"),
        [
            ("y ~ x", {"method": "lm"}, "Did you mean"),
            ("y ~ x", {"method": "glmm"}, "no group-level effects.*which takes 'ols'"),
            ("y ~ x + (1 | g)", {"method": "ols"}, "knows no group-level effects"),
            ("y ~ x + (1 | g)", {"method": "nls"}, "knows no group-level effects"),
            ("y ~ x", {"method": "nls"}, "the formula is linear"),
            ("y ~ x + (1 | g) + (1 | h)", {"method": "mixedlm"}, "several"),
            ("y ~ x + (x | g)", {"method": "gpboost"}, "not for slopes"),
            ("y ~ x", {"method": "gee"}, "no group-level effects"),
            (bf("y ~ x", "sigma ~ x"), {"method": "ols"}, "one formula"),
            ("y ~ x", {"reml": True}, "mixed models"),
            ("y ~ x", {"reml": "yes"}, "True, False or None"),
            ("y ~ x", {"nagq": 3}, "generalised linear mixed"),
            ("y ~ x", {"nagq": 0}, "whole number from 1"),
            ("y ~ x", {"nagq": 2.5}, "whole number from 1"),
            ("y ~ x", {"start": {"x": 1}}, "non-linear models"),
            ("y ~ x", {"start": [1]}, "mapping"),
            ("y ~ x + I(2 * x)", {}, "does not determine b_I2MUx"),
        ],
    )
    def test_are_refused_by_name(self, formula, options, message):
        with pytest.raises(BrmspyError, match=message):
            frequentist(formula, DATA, **options)

    @pytest.mark.parametrize(
        "options", [{"nagq": 5}, {"nagq": 5, "reml": True, "formula": "b ~ x + (1 | g)"}]
    )
    def test_quadrature_is_for_one_effect(self, options):
        formula = options.pop("formula", "b ~ x + (1 | g) + (1 | h)")
        with pytest.raises(BrmspyError, match=r"nagq|Laplace"):
            frequentist(formula, DATA, "bernoulli", **options)

    @pytest.mark.parametrize(
        ("start", "message"),
        [({"q": 1.0}, "'q', which is no parameter"), ({"a": "big"}, "finite number")],
    )
    def test_starting_values(self, start, message):
        with pytest.raises(BrmspyError, match=message):
            frequentist(bf("y ~ a + c * x", "a + c ~ 1", nl=True), DATA, start=start)

    def test_too_few_rows(self):
        with pytest.raises(BrmspyError, match="2 rows do not determine"):
            frequentist("y ~ x", DATA.head(2))

    def test_priors_are_said_to_be_ignored(self):
        found = frequentist("y ~ x", DATA, prior=prior("normal(0, 1)", class_="b"))
        assert "Priors are ignored." in found.notes

    @pytest.mark.parametrize("name", ["statsmodels", "gpboost"])
    def test_a_missing_library_names_the_extra(self, name, monkeypatch):
        for module in [item for item in sys.modules if item.split(".")[0] == name]:
            monkeypatch.delitem(sys.modules, module)
        monkeypatch.setitem(sys.modules, name, None)
        formula, options = ("y ~ x", {})
        if name == "gpboost":
            formula, options = ("y ~ x + (1 | g)", {"method": "gpboost"})
        with pytest.raises(BrmspyError, match=r'pip install "brmspy\[frequentist\]"'):
            frequentist(formula, DATA, **options)


def test_pooled_problem_has_no_groups():
    from brmspy.fit.naming import posterior_variables
    from brmspy.model import build

    model = build("y ~ x + (x | g)", DATA)
    problem = Problem.of(model, posterior_variables(model.design, model.program)).pooled()
    assert problem.blocks == ()
    assert [v.name for v in problem.variables] == ["b", "sigma"]


def test_contrasts_change_coefficients_and_nothing_else():
    oats = load_dataset("oats")
    formula = "yields ~ varieties + (1 | blocks)"
    treatment = frequentist(formula, oats, reml=False)
    coded = frequentist(formula, oats, reml=False, contrasts={"varieties": "sum"})
    assert coded.log_likelihood == pytest.approx(treatment.log_likelihood, abs=1e-6)
    np.testing.assert_allclose(coded.fitted, treatment.fitted, rtol=1e-5)
    deviations = oats.groupby("varieties", observed=True)["yields"].mean() - oats["yields"].mean()
    found = coded.table.loc[["b_varieties1", "b_varieties2"], "Estimate"]
    np.testing.assert_allclose(found, deviations.iloc[:2], rtol=1e-5)
