# Calibration to categories and numbers by every distance, with bounds, limits of the weight, a residual variance and factors
# constant within clusters, and the standard errors after it, from R's survey package. Writes calibrate.json:
#   Rscript tests/reference/calibrate.R
suppressPackageStartupMessages({ library(survey); library(jsonlite) })

i <- 1:240
sample <- data.frame(
  stratum = c("a", "b", "c")[1 + (i - 1) %/% 80],
  area = 1 + (i - 1) %/% 8,
  id = i,
  w = 2 + ((i - 1) %/% 8 * 5) %% 7 / 2,
  v = 1.5 + (i * 5) %% 11 / 2.5,
  sex = c("male", "female")[1 + (i * 7 + i %/% 11) %% 5 %/% 3],
  age = c("18-29", "30-49", "50+")[1 + (i * i + i %/% 9) %% 7 %/% 3],
  hours = 2 + (i * 17) %% 24 + (i %/% 10) %% 5,
  income = 100 + (i * 37) %% 91 + 3 * ((i - 1) %/% 8),
  vote = c("red", "green", "none")[1 + (i * i + i %/% 7) %% 5 %/% 2]
)
N <- 900
both <- c(`(Intercept)` = N, sexmale = 400, `age30-49` = 400, `age50+` = 150, income = 900 * 187)
formula <- ~ sex + age + income
exact <- function(d, ...) calibrate(d, ..., epsilon = 1e-13, maxit = 500, compress = FALSE)
cases <- list(
  linear = function(d) exact(d, formula, both),
  raking = function(d) exact(d, formula, both, calfun = "raking"),
  logit = function(d) exact(d, formula, both, calfun = "logit", bounds = c(0.5, 1.8)),
  sinh = function(d) exact(d, formula, both, calfun = cal.sinh, bounds = c(0.1, 9)),
  linear_bounded = function(d) exact(d, formula, both, bounds = c(0.6, 1.7)),
  raking_bounded = function(d) exact(d, formula, both, calfun = "raking", bounds = c(0.6, 1.7)),
  no_people = function(d) exact(d, ~ hours + income - 1, c(hours = 13500, income = 168000)),
  no_people_raking = function(d) exact(d, ~ hours + income - 1, c(hours = 13500, income = 168000), calfun = "raking"),
  variance = function(d) exact(d, ~ sex + hours, c(`(Intercept)` = N, sexmale = 400, hours = 13500), variance = sample$v)
)
linear_only <- list(
  limits = function(d) exact(d, formula, both, bounds = list(lower = 2, upper = 6), bounds.const = TRUE),
  clusters = function(d) exact(d, ~hours, c(`(Intercept)` = N, hours = 13500), aggregate.stage = 1),
  clusters_raking = function(d) exact(d, ~hours, c(`(Intercept)` = N, hours = 13500), calfun = "raking", aggregate.stage = 1)
)
repeated_only <- list(
  clusters = function(d) exact(d, ~hours, c(`(Intercept)` = N, hours = 13500), aggregate.index = ~area)
)
figures <- function(d) {
  m <- svymean(~ hours + income, d)
  v <- svymean(~vote, d)
  t <- svytotal(~ hours + vote, d)
  list(
    weights = unname(weights(d, "sampling"))[1:60], sumsq = sum(weights(d, "sampling")^2), mean = unname(coef(m)),
    mean_vcov = unname(vcov(m)), share = unname(coef(v)), share_vcov = unname(vcov(v)), total = unname(coef(t)), total_se = unname(SE(t))
  )
}
areas <- svydesign(id = ~area, strata = ~stratum, weights = ~w, data = sample)
designs <- list(areas = areas, plain = svydesign(id = ~1, weights = ~v, data = sample), jackknife = as.svrepdesign(areas, type = "JKn", compress = FALSE))
possible <- list(areas = c(cases, linear_only), plain = cases, jackknife = c(cases, repeated_only))
out <- Map(function(d, some) Map(function(f, n) { message(n); figures(f(d)) }, some, names(some)), designs, possible)
out$versions <- list(R = R.version.string, survey = as.character(packageVersion("survey")))
write_json(out, "tests/reference/calibrate.json", digits = NA, auto_unbox = TRUE)
