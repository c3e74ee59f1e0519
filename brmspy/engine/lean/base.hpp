// The base class of models: the virtual functions that Stan's services call.
//
// Stan's own, stan/model/model_base_crtp.hpp, has a model's log density instantiated sixteen times:
// with and without constants, with and without Jacobian, for numbers and for autodiff variables, in
// both kinds of vector. Where every density keeps its constants (no `~`, no `_lupdf`), or the program
// adds those that are left out, two will do, with and without Jacobian: numbers go through autodiff
// variables. Include it after Stan's headers.
#pragma once

#include <stan/math/rev/core.hpp>
#include <stan/model/model_base.hpp>

#include <ostream>
#include <vector>

namespace brmspy {

template <typename Model>
class model_base_crtp : public stan::model::model_base {
  using var = stan::math::var;
  using Numbers = Eigen::VectorXd;
  using Variables = Eigen::Matrix<var, Eigen::Dynamic, 1>;
  using Messages = std::ostream;
  template <typename T>
  using Values = std::vector<T>;  // what Stan calls deprecated and still uses

 public:
  explicit model_base_crtp(std::size_t parameters) : model_base(parameters) {}

  var log_prob(Variables& theta, Messages* messages) const override {
    return density<false>(theta, messages);
  }
  var log_prob(Values<var>& theta, Values<int>&, Messages* messages) const override {
    return density<false>(theta, messages);
  }
  var log_prob_propto(Variables& theta, Messages* messages) const override {
    return density<false>(theta, messages);
  }
  var log_prob_propto(Values<var>& theta, Values<int>&, Messages* messages) const override {
    return density<false>(theta, messages);
  }
  var log_prob_jacobian(Variables& theta, Messages* messages) const override {
    return density<true>(theta, messages);
  }
  var log_prob_jacobian(Values<var>& theta, Values<int>&, Messages* messages) const override {
    return density<true>(theta, messages);
  }
  var log_prob_propto_jacobian(Variables& theta, Messages* messages) const override {
    return density<true>(theta, messages);
  }
  var log_prob_propto_jacobian(Values<var>& theta, Values<int>&,
                               Messages* messages) const override {
    return density<true>(theta, messages);
  }

  double log_prob(Numbers& theta, Messages* messages) const override {
    return value<false>(theta, messages);
  }
  double log_prob(Values<double>& theta, Values<int>&, Messages* messages) const override {
    return value<false>(theta, messages);
  }
  double log_prob_propto(Numbers& theta, Messages* messages) const override {
    return value<false>(theta, messages);
  }
  double log_prob_propto(Values<double>& theta, Values<int>&, Messages* messages) const override {
    return value<false>(theta, messages);
  }
  double log_prob_jacobian(Numbers& theta, Messages* messages) const override {
    return value<true>(theta, messages);
  }
  double log_prob_jacobian(Values<double>& theta, Values<int>&,
                           Messages* messages) const override {
    return value<true>(theta, messages);
  }
  double log_prob_propto_jacobian(Numbers& theta, Messages* messages) const override {
    return value<true>(theta, messages);
  }
  double log_prob_propto_jacobian(Values<double>& theta, Values<int>&,
                                  Messages* messages) const override {
    return value<true>(theta, messages);
  }

  void write_array(stan::rng_t& rng, Numbers& theta, Numbers& values, bool transformed = true,
                   bool generated = true, Messages* messages = nullptr) const override {
    model().write_array(rng, theta, values, transformed, generated, messages);
  }
  void write_array(stan::rng_t& rng, Values<double>& theta, Values<int>&, Values<double>& values,
                   bool transformed = true, bool generated = true,
                   Messages* messages = nullptr) const override {
    Numbers copy = Eigen::Map<Numbers>(theta.data(), theta.size());
    Numbers written;
    model().write_array(rng, copy, written, transformed, generated, messages);
    values.assign(written.data(), written.data() + written.size());
  }

  // The model overrides these; Stan's base class leaves them open.
  void unconstrain_array(const Numbers& values, Numbers& theta,
                         Messages* messages = nullptr) const override {
    model().unconstrain_array(values, theta, messages);
  }
  void unconstrain_array(const Values<double>& values, Values<double>& theta,
                         Messages* messages = nullptr) const override {
    model().unconstrain_array(values, theta, messages);
  }
  void transform_inits(const stan::io::var_context& context, Numbers& theta,
                       Messages* messages) const override {
    model().transform_inits(context, theta, messages);
  }

 private:
  const Model& model() const { return *static_cast<const Model*>(this); }

  template <bool jacobian>
  var density(Variables& theta, Messages* messages) const {
    return model().template log_prob<true, jacobian>(theta, messages);
  }
  template <bool jacobian>
  var density(Values<var>& theta, Messages* messages) const {
    Variables copy = Eigen::Map<Variables>(theta.data(), theta.size());
    return density<jacobian>(copy, messages);
  }
  template <bool jacobian, typename V>
  double value(const V& theta, Messages* messages) const {
    const stan::math::nested_rev_autodiff nested;
    Variables variables = Eigen::Map<const Numbers>(theta.data(), theta.size());
    return density<jacobian>(variables, messages).val();
  }
};

}  // namespace brmspy
