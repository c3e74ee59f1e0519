"""Results of statsmodels and tables from R find the names of the model."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from brmspy import bf, compare_frequentist, frequentist, load_dataset
from brmspy.errors import BrmspyError
from brmspy.twin.naming import plain_name

SLEEP = "Reaction ~ Days + (Days | Subject)"


@pytest.fixture(scope="module")
def sleep(made_fit):
    return made_fit(SLEEP, load_dataset("sleepstudy"))


@pytest.fixture(scope="module")
def epil(made_fit):
    return made_fit("y ~ lbase * trt + V4 + (1 | subject)", load_dataset("epil"), "poisson")


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("(Intercept)", "Intercept"),
        ("const", "Intercept"),
        ("period2", "period2"),
        ("period[T.2]", "period2"),
        ("C(period)[T.2]", "period2"),
        ("C(period, Treatment(reference='1'))[T.2]", "period2"),
        ("lbase:trtprogabide", "lbase:trtprogabide"),
        ("trt[T.progabide]:lbase", "lbase:trtprogabide"),
        ("I(x ** 2)", "IxE2"),
        ("I(x^2)", "IxE2"),
        ("np.log(x)", "logx"),
        ("log(x)", "logx"),
        ("poly(x, 2)1", "polyx21"),
        ("CrossR/W", "CrossRDW"),
    ],
)
def test_names_have_one_form(name, plain):
    assert plain_name(name) == plain


class TestStatsmodels:
    def test_linear_mixed_model_from_a_formula(self, sleep):
        import statsmodels.formula.api as smf

        data = load_dataset("sleepstudy")
        theirs = smf.mixedlm("Reaction ~ Days", data, groups="Subject", re_formula="~Days").fit(
            reml=True
        )
        found = compare_frequentist(sleep, theirs)
        ours = frequentist(SLEEP, data)
        assert found.unmatched == found.missing == ()
        assert list(found.table.index) == list(ours.table.index)
        assert found.table["Estimate"].to_numpy() == pytest.approx(
            ours.table["Estimate"].to_numpy(), rel=1e-2
        )
        assert found.table.loc["b_Days", "Std.Error"] == pytest.approx(1.5458, rel=1e-3)
        assert found.frequentist.reml
        assert found.frequentist.aic == pytest.approx(ours.aic, abs=1e-3)
        modes = found.frequentist.ranef.set_index(["level", "coef"])["Estimate"]
        assert modes["308", "Days"] == pytest.approx(9.199, abs=0.01)
        assert found.shrinkage["frequentist"].notna().all()
        assert np.array_equal(
            found.frequentist.vcov.to_numpy(), np.asarray(theirs.cov_params())[:2, :2]
        )

    def test_arrays_without_names_are_reported(self, sleep):
        from statsmodels.regression.linear_model import OLS

        data = load_dataset("sleepstudy")
        X = np.column_stack([np.ones(len(data)), data["Days"]])
        found = compare_frequentist(sleep, OLS(data["Reaction"].to_numpy(), X).fit())
        assert found.unmatched == ("x1",)
        assert list(found.table.index) == ["b_Intercept", "sigma"]
        assert "b_Days" in found.missing
        assert "x1" in str(found)

    def test_generalised_linear_model_and_estimating_equations(self, epil):
        import statsmodels.api as sm
        import statsmodels.formula.api as smf

        data, family = load_dataset("epil"), sm.families.Poisson()
        glm = smf.glm("y ~ lbase * trt + V4", data, family=family).fit()
        found = compare_frequentist(epil, glm)
        assert found.unmatched == ()
        assert found.missing == ("sd_subject__Intercept",)
        assert found.table.loc["b_lbase:trtprogabide", "Estimate"] == pytest.approx(
            glm.params["lbase:trt[T.progabide]"]
        )
        gee = smf.gee("y ~ lbase * trt + V4", "subject", data, family=family).fit()
        found = compare_frequentist(epil, gee)
        assert found.frequentist.method == "gee"
        assert np.isnan(found.frequentist.log_likelihood)

    def test_negative_binomial(self, made_fit):
        import statsmodels.formula.api as smf

        data = load_dataset("epil")
        theirs = smf.negativebinomial("y ~ lbase", data).fit(disp=0)
        found = compare_frequentist(made_fit("y ~ lbase", data, "negbinomial"), theirs)
        assert found.unmatched == ()
        assert found.table.loc["shape", "Estimate"] == pytest.approx(1 / theirs.params["alpha"])

    def test_other_things_are_refused(self, sleep):
        from statsmodels.regression.linear_model import OLS

        with pytest.raises(BrmspyError, match="not 'int'"):
            compare_frequentist(sleep, 3)
        with pytest.raises(BrmspyError, match="what fit\\(\\) returned"):
            compare_frequentist(sleep, OLS(np.ones(3), np.ones(3)))


class TestTables:
    def test_coefficients_as_r_prints_them(self, sleep):
        table = pd.DataFrame(
            {"Estimate": [251.405, 10.467], "Std. Error": [6.825, 1.546], "t value": [36.8, 6.8]},
            index=["(Intercept)", "Days"],
        )
        found = sleep.compare_frequentist(table)
        assert list(found.table.index) == ["b_Intercept", "b_Days"]
        assert found.table["Std.Error"].tolist() == [6.825, 1.546]
        assert found.table.loc["b_Days", "l-95% CI"] == pytest.approx(10.467 - 1.959964 * 1.546)
        assert set(found.missing) == {
            "sd_Subject__Intercept",
            "sd_Subject__Days",
            "cor_Subject__Intercept__Days",
            "sigma",
        }

    def test_tidy_tables_with_standard_deviations(self, sleep):
        table = pd.DataFrame(
            {
                "effect": ["fixed", "fixed", "ran_pars", "ran_pars", "ran_pars", "ran_pars"],
                "group": [None, None, "Subject", "Subject", "Subject", "Residual"],
                "term": [
                    "(Intercept)",
                    "Days",
                    "sd__(Intercept)",
                    "cor__(Intercept).Days",
                    "sd__Days",
                    "sd__Observation",
                ],
                "estimate": [251.4, 10.47, 24.74, 0.066, 5.92, 25.59],
                "std.error": [6.82, 1.55, np.nan, np.nan, np.nan, np.nan],
            }
        )
        found = sleep.compare_frequentist(table)
        assert found.unmatched == found.missing == ()
        assert found.table["Estimate"].tolist() == [251.4, 10.47, 24.74, 5.92, 0.066, 25.59]
        assert found.table.loc["sigma", "Std.Error":"u-95% CI"].isna()[["Std.Error"]].all()

    def test_variance_components_of_lme4(self, made_fit):
        """``as.data.frame(VarCorr(m))``, nested factors in the other order."""
        fit = made_fit("yields ~ nitrogen + (1 | blocks/varieties)", load_dataset("oats"))
        table = pd.DataFrame(
            {
                "grp": ["varieties:blocks", "blocks", "Residual"],
                "var1": ["(Intercept)", "(Intercept)", None],
                "var2": [None, None, None],
                "vcov": [106.06, 214.48, 177.08],
                "sdcor": [10.2986, 14.6452, 13.3073],
            }
        )
        found = fit.compare_frequentist(table)
        assert found.unmatched == ()
        assert found.table["Estimate"].to_dict() == {
            "sd_blocks__Intercept": 14.6452,
            "sd_blocks:varieties__Intercept": 10.2986,
            "sigma": 13.3073,
        }

    @pytest.mark.parametrize("form", ["{}", "{}.(Intercept)", "b_{}_Intercept"])
    def test_parameters_of_curves(self, made_fit, form):
        fit = made_fit(
            bf("height ~ SSasymp(age, Asym, R0, lrc)", "Asym + R0 + lrc ~ 1", nl=True),
            load_dataset("loblolly"),
        )
        names = ["Asym", "R0", "lrc"]
        table = pd.DataFrame(
            {"Value": [101.4, -8.6, -3.2], "Std.Error": [2.5, 0.3, 0.03]},
            index=[form.format(name) for name in names],
        )
        found = fit.compare_frequentist(table)
        assert list(found.table.index) == [f"b_{name}_Intercept" for name in names]

    def test_unknown_names_are_reported(self, sleep):
        table = pd.DataFrame({"Estimate": [1.0, 2.0]}, index=["Days", "Dose"])
        assert sleep.compare_frequentist(table).unmatched == ("Dose",)
        with pytest.raises(BrmspyError, match=r"None of the names.*Dose.*b_Days"):
            sleep.compare_frequentist(table.loc[["Dose"]])

    def test_tables_without_estimates_are_refused(self, sleep):
        with pytest.raises(BrmspyError, match=r"column of estimates.*'p'"):
            sleep.compare_frequentist(pd.DataFrame({"p": [0.1]}, index=["Days"]))
        with pytest.raises(BrmspyError, match="'Days' is not a number"):
            sleep.compare_frequentist(pd.DataFrame({"Estimate": ["?"]}, index=["Days"]))


def test_own_fits_pass_through(sleep):
    other = frequentist("Reaction ~ Days + (1 | Subject)", load_dataset("sleepstudy"))
    found = sleep.compare_frequentist(other)
    assert found.frequentist is other
    assert found.missing == ("sd_Subject__Days", "cor_Subject__Intercept__Days")
    with pytest.raises(BrmspyError, match="None of the names"):
        sleep.compare_frequentist(frequentist("y ~ 0 + trt", load_dataset("epil"), "poisson"))


def test_other_and_how_to_fit_exclude_each_other(sleep):
    table = pd.DataFrame({"Estimate": [1.0]}, index=["Days"])
    with pytest.raises(BrmspyError, match="other is given"):
        sleep.compare_frequentist(table, reml=False)
