// File names, data files and draws files.
#pragma once

#include <stan/io/var_context.hpp>
#include <stan/model/model_base.hpp>

#include <Eigen/Dense>

#include <memory>
#include <string>
#include <vector>

namespace runner {

using Context = std::shared_ptr<stan::io::var_context>;

/// `name` with a tag and, for several chains, `_<id>` before its suffix.
std::vector<std::string> file_names(const std::string& name, const std::string& tag,
                                    const std::string& suffix, unsigned chains, unsigned id);

/// The variables of a JSON file; none for an empty name.
Context read_json(const std::string& name);

/// One context for each chain: `name_<id>.json` where such files exist, else the same file.
std::vector<Context> read_json_per_chain(const std::string& name, unsigned chains, unsigned id);

/// The columns of a Stan CSV file that hold the model's parameters, one row for each draw.
Eigen::MatrixXd read_draws(const std::string& name, const stan::model::model_base& model);

/// The unconstrained value of constrained parameters, from numbers or from a JSON file.
std::vector<double> unconstrain(const stan::model::model_base& model,
                                const Eigen::VectorXd& constrained);
std::vector<double> unconstrain_json(const stan::model::model_base& model,
                                     const std::string& name);

}  // namespace runner
