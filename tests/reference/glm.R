# Generalised linear models, Wald tests, predictions, marginal effects and alpha from R's survey package, on a stratified
# cluster sample made by formula. Writes glm.json beside this file:
#   Rscript tests/reference/glm.R
suppressPackageStartupMessages({ library(survey); library(jsonlite) })

i <- 1:360
data <- data.frame(
  stratum = c("a", "b", "c")[1 + (i - 1) %/% 120],
  area = 1 + (i - 1) %/% 15,
  w = 1 + (i * 13 %% 17) %% 7 / 4,
  sex = factor(c("male", "female")[1 + (i * 7 + i %/% 11) %% 5 %/% 3], c("male", "female")),
  region = factor(c("north", "south", "west")[1 + (i * 5 + i %/% 3) %% 7 %/% 3], c("north", "south", "west")),
  age = 18 + (i * 37) %% 61,
  year = 2020 + (i * 11 + i %/% 5) %% 3,
  exposure = 1 + (i * 29) %% 17,
  hours = ifelse(i %% 29 == 0, NA, (i * 17 %% 23) %% 24 + (i %/% 15) %% 5),
  oppose = as.numeric((i * i + i %/% 7 + (i * 37) %% 61) %% 7 > 3),
  visits = (i * 7 + i %/% 4) %% 6,
  income = 100 + (i * 37) %% 91 + 3 * ((i - 1) %/% 15)
)
data$areas <- c(a = 40, b = 60, c = 25)[data$stratum]
tight <- glm.control(epsilon = 1e-14, maxit = 200)
plain <- svydesign(id = ~1, weights = ~w, data = data)
clustered <- svydesign(id = ~area, strata = ~stratum, fpc = ~areas, weights = ~w, data = data, nest = TRUE)
jackknife <- as.svrepdesign(svydesign(id = ~area, strata = ~stratum, weights = ~w, data = data, nest = TRUE), type = "JKn")

fit <- function(formula, design, family) svyglm(formula, design, family = family, control = tight)
result <- function(model) {
  limits <- unname(confint(model, ddf = model$df.residual))
  list(
    names = names(coef(model)), estimate = unname(coef(model)), se = unname(SE(model)), vcov = unname(vcov(model)),
    df_resid = model$df.residual, ci = limits, p = unname(coef(summary(model))[, 4]),
    deviance = model$deviance, null_deviance = model$null.deviance, n = length(model$y)
  )
}
models <- list(
  gaussian = fit(income ~ age + I(age^2) + region, clustered, gaussian()),
  gaussian_missing = fit(income ~ hours * sex, clustered, gaussian()),
  gaussian_years = fit(income ~ year + I(year^2), clustered, gaussian()),
  logit = fit(oppose ~ age + sex + region, clustered, quasibinomial()),
  logit_weights = fit(oppose ~ age * sex + region, plain, quasibinomial()),
  logit_domain = fit(oppose ~ age + region, subset(clustered, sex == "female"), quasibinomial()),
  logit_jackknife = fit(oppose ~ age + region, jackknife, quasibinomial()),
  probit = fit(oppose ~ age + region, clustered, quasibinomial("probit")),
  cloglog = fit(oppose ~ age + region, clustered, quasibinomial("cloglog")),
  poisson = fit(visits ~ age + region + offset(log(exposure)), clustered, quasipoisson()),
  gamma_inverse = fit(income ~ age + sex, clustered, Gamma()),
  gamma_log = fit(income ~ age + sex, clustered, Gamma("log")),
  no_intercept = fit(income ~ region - 1, clustered, gaussian())
)
wald <- function(model, terms) with(regTermTest(model, terms), list(statistic = Ftest[1, 1], df = df, ddf = ddf, p = p[1, 1]))
new <- data.frame(age = c(20, 45, 70), sex = c("male", "female", "male"), region = c("west", "north", "south"))
predicted <- function(type) {
  p <- predict(models$logit, new, type = type, se.fit = TRUE)
  list(estimate = as.numeric(p), se = as.numeric(SE(p)))
}
# marginal effects by hand: weighted averages over the rows, delta method
effect <- function(value, theta, v) {
  gradient <- vapply(seq_along(theta), function(j) {
    h <- 1e-5 * max(abs(theta[j]), 1e-3); e <- replace(numeric(length(theta)), j, h)
    (8 * (value(theta + e) - value(theta - e)) - value(theta + 2 * e) + value(theta - 2 * e)) / (12 * h)
  }, 0)
  list(estimate = value(theta), se = sqrt(drop(gradient %*% v %*% gradient)))
}
b <- coef(models$logit); v <- vcov(models$logit); share <- data$w / sum(data$w)
at_region <- function(level) model.matrix(~ age + sex + region, transform(data, region = factor(level, levels(region))))
margins <- list(
  age = effect(function(t) sum(share * dlogis(drop(model.matrix(~ age + sex + region, data) %*% t))) * t[2], b, v),
  south = effect(function(t) sum(share * (plogis(drop(at_region("south") %*% t)) - plogis(drop(at_region("north") %*% t)))), b, v),
  at_west = effect(function(t) sum(share * plogis(drop(at_region("west") %*% t))), b, v)
)
output <- list(
  r = R.version.string, survey = as.character(packageVersion("survey")), sample = as.list(data),
  models = lapply(models, result),
  wald = list(region = wald(models$logit, ~region), two = wald(models$logit, ~ age + region)),
  link = predicted("link"), response = predicted("response"), margins = margins,
  alpha = unname(svycralpha(~ age + exposure + visits, plain))
)
folder <- dirname(sub("--file=", "", grep("--file=", commandArgs(), value = TRUE)))
write(toJSON(output, digits = NA, auto_unbox = TRUE, na = "null", pretty = FALSE), file.path(folder, "glm.json"))
