# Second moments, counts, shares of a total, statistics by replication and design effects from R's survey package, on a
# stratified clustered sample made by formula. Writes moments.json beside this file:
#   Rscript tests/reference/moments.R
suppressPackageStartupMessages({ library(survey); library(jsonlite) })

i <- 1:300
sample <- data.frame(
  stratum = c("a", "b", "c")[1 + (i - 1) %/% 100],
  area = 1 + (i - 1) %/% 10,
  areas = c(40, 60, 25)[1 + (i - 1) %/% 100],
  w = 20 + (i * 13 %% 17) %% 7 * 5,
  sex = c("male", "female")[1 + (i * 7 + i %/% 11) %% 5 %/% 3],
  region = c("north", "south", "west")[1 + (i * 5 + i %/% 3) %% 7 %/% 3],
  answer = c("yes", "no", "unsure")[1 + (i * i + i %/% 7) %% 5 %/% 2],
  hours = ifelse(i %% 29 == 0, NA, (i * 17 %% 23) %% 24 + (i %/% 15) %% 5),
  income = 100 + (i * 37) %% 91 + 3 * ((i - 1) %/% 10),
  rent = 20 + (i * 11) %% 37 + (i - 1) %/% 10
)
design <- svydesign(id = ~area, strata = ~stratum, weights = ~w, fpc = ~areas, data = sample)
replicated <- as.svrepdesign(svydesign(id = ~area, strata = ~stratum, weights = ~w, data = sample), type = "JKn")
designs <- list(linearized = design, replicated = replicated)

result <- function(object) list(estimate = unname(as.vector(coef(object))), se = unname(as.vector(SE(object))))
matrix_result <- function(object) list(estimate = unname(as.vector(as.matrix(object))), se = unname(as.vector(SE(object))))
# the correlation by the delta method from moments written out as means
products <- function(d) {
  m <- coef(svymean(~income + rent, d))
  d <- update(d, p1 = (income - m[1])^2, p2 = (income - m[1]) * (rent - m[2]), p3 = (rent - m[2])^2)
  svycontrast(svymean(~p1 + p2 + p3, d), quote(p2 / sqrt(p1 * p3)))
}
deff_of <- function(object) unname(as.vector(deff(object)))

moments <- lapply(designs, function(d) list(
  variance = result(svyvar(~hours, subset(d, !is.na(hours)))),  # survey 4.1 takes n over all rows otherwise
  by = result(svyby(~income, ~region, d, svyvar)),
  domain = result(svyvar(~income, subset(d, sex == "male"))),
  covariance = matrix_result(svyvar(~ income + rent, d))
))
gini <- function(w, x) { o <- order(x); w <- w[o]; x <- x[o]; L <- cumsum(w * x) / sum(w * x); 1 - sum(w / sum(w) * (L + c(0, L[-length(L)]))) }
statistics <- list(
  gini = result(withReplicates(replicated, function(w, data) gini(w, data$income))),
  coefficients = result(withReplicates(replicated, function(ww, data) coef(lm(income ~ rent, weights = ww, data = data))))
)
tables <- list(
  counts = unname(as.vector(svytable(~ region + answer, design))),
  thousand = unname(as.vector(svytable(~ region + answer, design, Ntotal = 1000))),
  total = result(svytotal(~ interaction(region, answer), design)),
  joint = result(svymean(~ interaction(region, answer), design)),
  joint_vcov = unname(vcov(svymean(~ interaction(region, answer), design))),
  part = result(svyratio(~ I(income * (region == "north")), ~income, design)),
  part_deff = deff_of(svyratio(~ I(income * (region == "north")), ~income, design, deff = TRUE))
)
ratios <- list(
  several = result(svyratio(~ income + hours, ~ rent + w, design, na.rm = TRUE)),
  vcov = unname(vcov(svyratio(~ income + hours, ~ rent + w, design, na.rm = TRUE, covmat = TRUE))),
  deff = deff_of(svyratio(~income, ~rent, design, deff = TRUE)),
  deff_replace = deff_of(svyratio(~income, ~rent, design, deff = "replace")),
  predicted = local({ p <- predict(svyratio(~income, ~rent, design), total = 1e6); list(total = unname(as.vector(p$total)), se = unname(as.vector(p$se))) })
)
effects <- lapply(designs, function(d) list(
  mean = deff_of(svymean(~ income + rent, d, deff = TRUE)), mean_replace = deff_of(svymean(~income, d, deff = "replace")),
  total = deff_of(svytotal(~income, d, deff = TRUE)), total_replace = deff_of(svytotal(~income, d, deff = "replace"))
))

script <- sub("--file=", "", grep("--file=", commandArgs(), value = TRUE))
writeLines(toJSON(list(
  r = R.version.string, survey = as.character(packageVersion("survey")), sample = as.list(sample), moments = moments,
  correlation = result(products(design)), statistics = statistics, tables = tables, ratios = ratios, effects = effects
), digits = NA, auto_unbox = TRUE, na = "null", pretty = FALSE), file.path(dirname(script), "moments.json"))
