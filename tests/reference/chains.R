# Chains of weighting steps (post-stratify, rake, calibrate, trim, scale) and the standard errors after them, from R's survey
# package, linearised (one and two stages) and under jackknife weights, on a sample made by formula. Writes chains.json:
#   Rscript tests/reference/chains.R
suppressPackageStartupMessages({ library(survey); library(jsonlite) })

i <- 1:300
sample <- data.frame(
  stratum = c("a", "b", "c")[1 + (i - 1) %/% 100],
  area = 1 + (i - 1) %/% 10,
  w = 1 + (i * 13 %% 17) %% 7 / 4,
  n1 = c(40, 60, 80)[1 + (i - 1) %/% 100],
  n2 = 40,
  id = i,
  sex = c("male", "female")[1 + (i * 7 + i %/% 11) %% 5 %/% 3],
  age = c("18-29", "30-49", "50+")[1 + (i * i + i %/% 9) %% 7 %/% 3],
  town = c("city", "town", "village", "city")[1 + (i * 11 + i %/% 5) %% 4],
  vote = c("red", "green", "none")[1 + (i * i + i %/% 7) %% 5 %/% 2],
  hours = 2 + (i * 17 %% 23) %% 24 + (i %/% 10) %% 5,
  income = 100 + (i * 37) %% 91 + 3 * ((i - 1) %/% 10)
)
sex <- data.frame(sex = c("male", "female"), Freq = c(290, 310))
age <- data.frame(age = c("18-29", "30-49", "50+"), Freq = c(150, 260, 190))
town <- data.frame(town = c("city", "town", "village"), Freq = c(320, 140, 140))
exact <- list(maxit = 2000, epsilon = 1e-13)

chains <- list(
  poststratify = function(d) postStratify(d, ~sex, sex),
  poststratify_rake = function(d) rake(postStratify(d, ~sex, sex), list(~age, ~town), list(age, town), control = exact),
  rake_rake = function(d) rake(rake(d, list(~age, ~town), list(age, town), control = exact), list(~sex, ~town), list(sex, town), control = exact),
  rake_poststratify = function(d) postStratify(rake(d, list(~age, ~town), list(age, town), control = exact), ~sex, sex),
  calibrate_rake = function(d) rake(calibrate(d, ~sex + hours, c(`(Intercept)` = 600, sexmale = 290, hours = 8300), epsilon = 1e-13, compress = FALSE), list(~age, ~town), list(age, town), control = exact),
  poststratify_calibrate = function(d) calibrate(postStratify(d, ~age, age), ~ sex + income, c(`(Intercept)` = 600, sexmale = 290, income = 113000), calfun = "raking", epsilon = 1e-12, maxit = 200, compress = FALSE),
  rake_trim = function(d) trimWeights(rake(d, list(~sex, ~age, ~town), list(sex, age, town), control = exact), upper = 3.2, lower = 0.9)
)
figures <- function(d) {
  m <- svymean(~hours + income, d)
  v <- svymean(~vote, d)
  t <- svytotal(~income + vote, d)
  g <- svyby(~hours, ~sex, d, svymean)
  list(
    weights = unname(weights(d, "sampling"))[1:40], sumsq = sum(weights(d, "sampling")^2), mean = unname(coef(m)), mean_vcov = unname(vcov(m)), share = unname(coef(v)), share_vcov = unname(vcov(v)),
    total = unname(coef(t)), total_se = unname(SE(t)), by = unname(coef(g)), by_se = unname(SE(g))
  )
}
designs <- list(
  clusters = svydesign(id = ~area, strata = ~stratum, weights = ~w, data = sample, nest = TRUE),
  stages = svydesign(id = ~ area + id, strata = ~stratum, fpc = ~ n1 + n2, data = sample, nest = TRUE),
  plain = svydesign(id = ~1, weights = ~w, data = sample)
)
designs$jackknife <- as.svrepdesign(designs$clusters, type = "JKn", compress = FALSE)
out <- lapply(designs, function(d) {
  possible <- if (inherits(d, "svyrep.design")) chains[names(chains) != "rake_trim"] else chains
  lapply(possible, function(chain) figures(chain(d)))
})
out$versions <- list(R = R.version.string, survey = as.character(packageVersion("survey")))
write_json(out, "tests/reference/chains.json", digits = NA, auto_unbox = TRUE)
