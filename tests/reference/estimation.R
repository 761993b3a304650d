# Means, totals, proportions, domains, intervals and standard errors after raking from R's survey package, on a stratified
# two-stage sample made by formula. Writes estimation.json beside this file:
#   Rscript tests/reference/estimation.R
suppressPackageStartupMessages({ library(survey); library(jsonlite) })

i <- 1:360
sample <- data.frame(
  stratum = c("a", "b", "c")[1 + (i - 1) %/% 120],
  area = 1 + (i - 1) %/% 15,
  home = 1 + (i - 1) %/% 5,
  w = 1 + (i * 13 %% 17) %% 7 / 4,
  sex = c("male", "female")[1 + (i * 7 + i %/% 11) %% 5 %/% 3],
  region = c("north", "south", "west")[1 + (i * 5 + i %/% 3) %% 7 %/% 3],
  answer = c("yes", "no", "unsure")[1 + (i * i + i %/% 7) %% 5 %/% 2],
  hours = ifelse(i %% 29 == 0, NA, (i * 17 %% 23) %% 24 + (i %/% 15) %% 5),
  income = 100 + (i * 37) %% 91 + 3 * ((i - 1) %/% 15)
)
sample$areas <- c(a = 40, b = 60, c = 25)[sample$stratum]
sample$homes <- 12

designs <- list(
  weights = svydesign(id = ~1, weights = ~w, data = sample),
  stratified = svydesign(id = ~1, strata = ~stratum, weights = ~w, data = sample),
  clustered = svydesign(id = ~area, strata = ~stratum, weights = ~w, data = sample, nest = TRUE),
  two_stage = svydesign(id = ~ area + home, strata = ~stratum, fpc = ~ areas + homes, weights = ~w, data = sample, nest = TRUE),
  implied = svydesign(id = ~ area + home, strata = ~stratum, fpc = ~ areas + homes, data = sample, nest = TRUE)
)
result <- function(object, design, names = NULL) list(
  estimate = unname(as.vector(coef(object))), se = unname(as.vector(SE(object))), df = degf(design)
)
share <- function(design) svymean(~answer, design)
basic <- lapply(designs, function(d) list(
  mean = result(svymean(~hours, d, na.rm = TRUE), d),
  mean_deff = unname(as.vector(deff(svymean(~hours, d, na.rm = TRUE, deff = "replace")))),
  share = result(share(d), d),
  vcov = unname(vcov(share(d))),
  total = result(svytotal(~income, d), d),
  ratio = result(svyratio(~income, ~home, d), d),
  by = result(svyby(~income, ~region, d, svymean), d),
  by_vcov = unname(vcov(svyby(~income, ~region, d, svymean, covmat = TRUE))),
  domain = result(svymean(~income, subset(d, sex == "male")), subset(d, sex == "male")),
  domain_total = result(svytotal(~income, subset(d, sex == "male" & hours > 10)), subset(d, sex == "male" & hours > 10))
))

intervals <- sapply(c("logit", "asin", "beta", "mean", "xlogit"), function(m)
  unname(as.vector(confint(svyciprop(~ I(answer == "yes"), designs$clustered, method = m)))), simplify = FALSE)

lonely <- subset(sample, !(stratum == "c" & area > 17))
alone <- sapply(c("remove", "certainty", "adjust", "average"), function(rule) {
  options(survey.lonely.psu = rule)
  d <- svydesign(id = ~area, strata = ~stratum, weights = ~w, data = lonely, nest = TRUE)
  result(svymean(~income, d), d)
}, simplify = FALSE)
options(survey.lonely.psu = "fail")

margins <- list(
  data.frame(sex = c("male", "female"), Freq = c(0.48, 0.52) * 1e5),
  data.frame(region = c("north", "south", "west"), Freq = c(0.25, 0.40, 0.35) * 1e5)
)
raked <- lapply(designs[c("weights", "clustered", "two_stage")], function(d) {
  r <- rake(d, list(~sex, ~region), margins, control = list(maxit = 2000, epsilon = 1e-13))
  list(
    mean = result(svymean(~income, r), r), share = result(svymean(~answer, r), r), total = result(svytotal(~hours, r, na.rm = TRUE), r),
    by = result(svyby(~income, ~region, r, svymean), r), sex = result(svymean(~sex, r), r),
    vcov = unname(vcov(svymean(~answer, r)))
  )
})

replicated <- as.svrepdesign(designs$clustered, type = "JKn")
jkn <- list(mean = result(svymean(~hours, replicated, na.rm = TRUE), replicated),
            share = result(svymean(~answer, replicated), replicated),
            by = result(svyby(~income, ~region, replicated, svymean), replicated))
again <- rake(replicated, list(~sex, ~region), margins, control = list(maxit = 2000, epsilon = 1e-13))
jkn_raked <- list(mean = result(svymean(~income, again), again), share = result(svymean(~answer, again), again))

script <- sub("--file=", "", grep("--file=", commandArgs(), value = TRUE))
writeLines(toJSON(list(
  r = R.version.string, survey = as.character(packageVersion("survey")), sample = as.list(sample),
  basic = basic, intervals = intervals, lonely = alone, raked = raked, jkn = jkn, jkn_raked = jkn_raked
), digits = NA, auto_unbox = TRUE, na = "null", pretty = FALSE), file.path(dirname(script), "estimation.json"))
