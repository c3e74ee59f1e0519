"""The model in LaTeX: what it says, and that it is LaTeX."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from matplotlib.mathtext import MathTextParser

from brmspy import BrmsFit
from brmspy.words import Latex


def lines_of(latex: str) -> list[str]:
    """Return the lines between the ends of the environment."""
    assert latex.startswith("\\begin{align*}\n")
    assert latex.endswith("\n\\end{align*}")
    return latex.removeprefix("\\begin{align*}\n").removesuffix("\n\\end{align*}").split(" \\\\\n")


def sides(latex: str) -> dict[str, str]:
    """Return what stands behind each left-hand side, without spacing."""
    found = {}
    for line in lines_of(latex):
        left, _, right = line.partition("&")
        found[left.strip()] = re.sub(r"(\\,|\s)+", " ", right).strip()
    return found


def balanced(text: str) -> bool:
    """Say whether unescaped braces, and left and right, are in balance."""
    bare = re.sub(r"\\[{}\\]", "", text)
    depth = 0
    for char in bare:
        depth += (char == "{") - (char == "}")
        if depth < 0:
            return False
    return depth == 0 and text.count(r"\left") == text.count(r"\right")


def test_it_is_latex(any_fit: BrmsFit) -> None:
    parser = MathTextParser("path")
    for line in lines_of(any_fit.latex()):
        assert balanced(line), line
        # One place of alignment in each line, and none of the characters that end a formula.
        bare = re.sub(r"\\.", "", line)
        assert bare.count("&") == 1, line
        assert not set(bare) & set("%#$~"), line
        # Matplotlib's reader of mathematics knows neither alignment nor escapes within text.
        readable = re.sub(r"\\text\{((?:[^{}\\]|\\.|\{\})*)\}", r"\\mathrm{t}", line)
        parser.parse(f"${readable.replace('&', '', 1)}$")


def test_multilevel(fit_of: Callable[..., BrmsFit]) -> None:
    latex = fit_of("multilevel").latex()
    found = sides(latex)
    assert found[r"\text{y}_i"] == r"\sim \operatorname{Normal}\left(\mu_i, \sigma\right)"
    assert found[r"\mu_i"] == (
        r"= \beta_{\text{Intercept}} + \beta_{\text{x}} \text{x}_i"
        r" + u_{\text{g}[i], \text{Intercept}} + u_{\text{g}[i], \text{x}} \text{x}_i"
    )
    effects = (
        r"\left(u_{\text{g}_j,\, \text{Intercept}},\, u_{\text{g}_j,\, \text{x}}\right)^{\top}"
    )
    assert r"\operatorname{MVNormal}" in found[effects]
    assert r"j = 1, \ldots, 5" in found[effects]
    assert found[r"\mathbf{D}_{\text{g}}"] == (
        r"= \operatorname{diag}\left(\tau_{\text{g}, \text{Intercept}},"
        r" \tau_{\text{g}, \text{x}}\right)"
    )
    assert found[r"\mathbf{R}_{\text{g}}"] == r"\sim \operatorname{LKJ}\left(1\right)"
    assert found[r"\beta_{\text{x}}"] == r"\sim \operatorname{Normal}\left(0, 10\right)"
    # Exponential densities are not cut by a bound at zero; Student's is.
    both = r"\tau_{\text{g},\, \text{Intercept}},\, \tau_{\text{g},\, \text{x}}"
    assert found[both] == r"\sim \operatorname{Exponential}\left(1\right)"
    assert found[r"\sigma"].startswith(r"\sim \operatorname{StudentT}_{[0, \infty)}\left(3, 0,")
    intercept = r"\beta_{\text{Intercept}} + \overline{\text{x}} \, \beta_{\text{x}}"
    assert intercept in found


def test_links_trials_weights_and_offsets(fit_of: Callable[..., BrmsFit]) -> None:
    assert r"\operatorname{logit}(\mu_i)" in sides(fit_of("binomial").latex())
    found = sides(fit_of("binomial").latex())[r"\text{k}_i"]
    assert found == r"\sim \operatorname{Binomial}\left(\text{n}_i, \mu_i\right)"
    trials = sides(fit_of("trials").latex())
    assert trials[r"\text{k}_i"] == r"\sim \operatorname{Binomial}\left(10, \mu_i\right)"
    assert r"\log(-\log(1 - \mu_i))" in trials
    assert r"\Phi^{-1}(\mu_i)" in sides(fit_of("bernoulli").latex())
    poisson = sides(fit_of("poisson").latex())[r"\log(\mu_i)"]
    assert poisson.endswith(r"+ \text{log(w)}_i")
    student = sides(fit_of("student").latex())
    assert r"\text{weighted by } \text{w}_i" in student[r"\text{y}_i"]
    assert student[r"\nu"] == "= 3"
    assert student[r"\sigma"] == r"\sim \operatorname{Uniform}\left(0, 50\right)"


def test_distributional(fit_of: Callable[..., BrmsFit]) -> None:
    latex = fit_of("distributional").latex()
    found = sides(latex)
    assert found[r"\text{y}_i"] == (
        r"\sim \operatorname{StudentT}\left(\nu, \mu_i, \sigma_i\right)"
    )
    assert found[r"\nu"] == "= 4"
    assert found[r"\log(\sigma_i)"] == (
        r"= \beta^{(\sigma)}_{\text{Intercept}} + \beta^{(\sigma)}_{\text{z}} \text{z}_i"
        r" + u^{(\sigma)}_{\text{g}[i], \text{Intercept}}"
    )
    assert found[r"\beta^{(\sigma)}_{\text{z}}"] == r"\sim \operatorname{Normal}\left(0, 2\right)"
    assert r"p(\beta_{\text{x}})" in found
    assert latex.index(r"\mu_i &=") < latex.index(r"\log(\sigma_i)")


def test_non_linear(fit_of: Callable[..., BrmsFit]) -> None:
    found = sides(fit_of("non-linear").latex())
    assert found[r"\mu_i"] == (
        r"= \text{Asym}_i + \left(\text{R0} - \text{Asym}_i\right)"
        r" \exp\left(-\exp\left(\text{lrc}\right) \text{x}_i\right)"
    )
    assert found[r"\text{R0}"] == r"= \beta^{(\text{R0})}_{\text{Intercept}}"
    asym = r"\beta^{(\text{Asym})}_{\text{Intercept}},\, \beta^{(\text{Asym})}_{\text{z}}"
    assert found[asym] == r"\sim \operatorname{Normal}_{[100, 102]}\left(101, 0.1\right)"
    lrc = r"\beta^{(\text{lrc})}_{\text{Intercept}}"
    assert found[lrc] == r"\sim \operatorname{Normal}_{[-9, \infty)}\left(-3, 3\right)"
    flat = r"p(\beta^{(\text{R0})}_{\text{Intercept}})"
    assert found[flat] == r"\propto 1\quad\text{on } [-10, \infty)"


def test_blocks_of_one_group_are_told_apart(fit_of: Callable[..., BrmsFit]) -> None:
    latex = fit_of("uncorrelated").latex()
    single = r"u_{\text{g}_j,\, \text{Intercept}} &\sim \operatorname{Normal}\left(0,"
    assert single in latex
    assert latex.count(r"\operatorname{MVNormal}") == 1
    two = fit_of(formula="y ~ 1 + (1 + x | g) + (0 + z + w | g)").latex()
    assert r"\mathbf{R}_{\text{g},\, 1},\, \mathbf{R}_{\text{g},\, 2} &\sim" in two


def test_odd_names_are_escaped(fit_of: Callable[..., BrmsFit]) -> None:
    latex = fit_of("odd names").latex()
    assert r"\text{I(x\textasciicircum{}2)}_i" in latex
    assert r"\text{x\_1 \& 50\% \{a\}}_i" in latex
    assert r"\text{h\_1}[i]" in latex


def test_numbers_are_mathematics(fit_of: Callable[..., BrmsFit]) -> None:
    found = sides(fit_of("negbinomial").latex())
    assert found[r"\beta_{\text{x}}"] == (
        r"\sim \operatorname{Normal}\left(1 \times 10^{6}, 2 \times 10^{-5}\right)"
    )
    assert found[r"\beta_{\text{z}}"] == r"\sim \operatorname{Uniform}\left(0, 3\right)"


def test_long_predictors_are_broken(fit_of: Callable[..., BrmsFit]) -> None:
    lines = lines_of(fit_of("nested").latex())
    start = next(place for place, line in enumerate(lines) if line.startswith(r"\mu_i &="))
    assert lines[start + 1].startswith(r"&\quad + ")
    assert all(line.count(" + ") <= 4 for line in lines[start : start + 2])
    assert r"\sum_k" in "".join(lines)  # too many means to write them out


def test_long_names_are_broken_too(fit_of: Callable[..., BrmsFit]) -> None:
    latex = fit_of(formula=f"y ~ I({' + '.join(['x'] * 12)}) + I({' + '.join(['z'] * 12)})").latex()
    assert sum(line.startswith(r"&\quad") for line in lines_of(latex)) == 2


def test_notebooks_show_formulas(fit_of: Callable[..., BrmsFit]) -> None:
    latex = fit_of("plain").latex()
    assert isinstance(latex, Latex)
    shown = latex._repr_latex_()
    assert shown.startswith(r"$$\begin{aligned}")
    assert shown.endswith(r"\end{aligned}$$")
    assert "align*" not in shown


@pytest.mark.parametrize("name", ["plain", "non-linear"])
def test_the_same_from_the_function(fit_of: Callable[..., BrmsFit], name: str) -> None:
    import brmspy

    fit = fit_of(name)
    assert brmspy.latex(fit) == fit.latex()
