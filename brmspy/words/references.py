"""What a description of a fit cites."""

from __future__ import annotations

__all__ = ["ADVI", "BRMS", "LKJ", "NUTS", "PATHFINDER", "PSIS", "RHAT", "STAN"]

BRMS = (
    "Bürkner, P.-C. (2017). brms: An R package for Bayesian multilevel models using Stan. Journal "
    "of Statistical Software, 80(1), 1-28. https://doi.org/10.18637/jss.v080.i01"
)
STAN = (
    "Carpenter, B., Gelman, A., Hoffman, M. D., Lee, D., Goodrich, B., Betancourt, M., Brubaker, "
    "M., Guo, J., Li, P. and Riddell, A. (2017). Stan: A probabilistic programming language. "
    "Journal of Statistical Software, 76(1), 1-32. https://doi.org/10.18637/jss.v076.i01"
)
NUTS = (
    "Hoffman, M. D. and Gelman, A. (2014). The No-U-Turn sampler: Adaptively setting path lengths "
    "in Hamiltonian Monte Carlo. Journal of Machine Learning Research, 15(47), 1593-1623. "
    "https://jmlr.org/papers/v15/hoffman14a.html"
)
RHAT = (
    "Vehtari, A., Gelman, A., Simpson, D., Carpenter, B. and Bürkner, P.-C. (2021). "
    "Rank-normalization, folding, and localization: An improved R-hat for assessing convergence of "
    "MCMC. Bayesian Analysis, 16(2), 667-718. https://doi.org/10.1214/20-BA1221"
)
LKJ = (
    "Lewandowski, D., Kurowicka, D. and Joe, H. (2009). Generating random correlation matrices "
    "based on vines and extended onion method. Journal of Multivariate Analysis, 100(9), "
    "1989-2001. https://doi.org/10.1016/j.jmva.2009.04.008"
)
PATHFINDER = (
    "Zhang, L., Carpenter, B., Gelman, A. and Vehtari, A. (2022). Pathfinder: Parallel "
    "quasi-Newton variational inference. Journal of Machine Learning Research, 23(306), 1-49. "
    "https://jmlr.org/papers/v23/21-0889.html"
)
ADVI = (
    "Kucukelbir, A., Tran, D., Ranganath, R., Gelman, A. and Blei, D. M. (2017). Automatic "
    "differentiation variational inference. Journal of Machine Learning Research, 18(14), 1-45. "
    "https://jmlr.org/papers/v18/16-107.html"
)
PSIS = (
    "Vehtari, A., Simpson, D., Gelman, A., Yao, Y. and Gabry, J. (2024). Pareto smoothed "
    "importance sampling. Journal of Machine Learning Research, 25(72), 1-58. "
    "https://jmlr.org/papers/v25/19-556.html"
)
