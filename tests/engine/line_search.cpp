// Searches along a line that ends at an edge: beyond it there is no density, and further on a low
// one. Prints how many of a thousand searches, each with its edge, did not come to an end.
#include <Eigen/Dense>

#include "line_search.hpp"

#include <iostream>

namespace stan {
namespace optimization {

struct Edge {
  double where;
  int calls = 0;

  int operator()(const Eigen::VectorXd& x, double& f, Eigen::VectorXd& gradient) {
    if (++calls > 10000) throw calls;
    if (where < x(0) && x(0) < 1) return 1;
    f = x(0) <= where ? -x(0) : 10;
    gradient = Eigen::VectorXd::Constant(1, -1.0);
    return 0;
  }
};

}  // namespace optimization
}  // namespace stan

int main() {
  const Eigen::VectorXd start = Eigen::VectorXd::Zero(1);
  const Eigen::VectorXd direction = Eigen::VectorXd::Ones(1);
  const Eigen::VectorXd gradient = -direction;
  int endless = 0;
  for (int i = 0; i < 1000; ++i) {
    stan::optimization::Edge edge{0.5 + (i + 0.123456789) / 2000};
    Eigen::VectorXd x = start, g = gradient;
    double step = 1.0, f = 0.0;
    try {
      stan::optimization::WolfeLineSearch(edge, step, x, f, g, direction, start, 0.0, gradient,
                                          1e-4, 0.9, 1e-12, 20.0, 10.0);
    } catch (int) {
      ++endless;
    }
  }
  std::cout << endless << std::endl;
}
