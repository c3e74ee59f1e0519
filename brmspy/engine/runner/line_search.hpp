// Stan's line search ends (https://github.com/stan-dev/stan/issues/3229).
#pragma once

#include <stan/optimization/bfgs_linesearch.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

namespace stan {
namespace optimization {

/// Where the density cannot be evaluated beyond some step, Stan halves an interval until it is
/// narrower than 1e-16. The numbers above 0.5 are further apart than that, so that it may go on for
/// ever. This function is found in place of Stan's because it is more specialised; Stan's does the
/// work, with a width that can be reached.
template <typename FunctorType, typename XType>
int WolfLSZoom(double& alpha, XType& newX, double& newF, XType& newDF, FunctorType& func,
               const XType& x, const double& f, const double& dfp, const double& c1dfp,
               const double& c2dfp, const XType& p, double alo, double aloF, double aloDFp,
               double ahi, double ahiF, double ahiDFp, const double& min_range) {
  const double rounding = std::numeric_limits<double>::epsilon();
  const double reachable = 2 * rounding * std::max(std::fabs(alo), std::fabs(ahi));
  return WolfLSZoom<FunctorType, double, XType>(
      alpha, newX, newF, newDF, func, x, f, dfp, c1dfp, c2dfp, p, alo, aloF, aloDFp, ahi, ahiF,
      ahiDFp, std::max(min_range, reachable));
}

}  // namespace optimization
}  // namespace stan
