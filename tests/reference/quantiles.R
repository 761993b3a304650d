# Quantiles, cumulative distributions, Gini coefficients and roots from R's survey package, on a stratified cluster sample made by
# formula. Shares below that of the smallest value alone are avoided: survey 4.1 reads them as the second value, 4.5 as the first.
# Writes quantiles.json beside this file:
#   Rscript tests/reference/quantiles.R
suppressPackageStartupMessages({ library(survey); library(jsonlite) })

i <- 1:360
sample <- data.frame(
  stratum = c("a", "b", "c")[1 + (i - 1) %/% 120],
  area = 1 + (i - 1) %/% 15,
  areas = c(40, 60, 25)[1 + (i - 1) %/% 120],
  w = 1 + (i * 13 %% 17) %% 7 / 4,
  sex = c("male", "female")[1 + (i * 7 + i %/% 11) %% 5 %/% 3],
  region = c("north", "south", "west")[1 + (i * 5 + i %/% 3) %% 7 %/% 3],
  hours = ifelse(i %% 29 == 0, NA, (i * 17 %% 23) %% 24 + (i %/% 15) %% 5),
  income = 100 + (i * 37) %% 91 + 3 * ((i - 1) %/% 15) + (i %% 101) / 7
)
sample$part <- ifelse(sample$area %% 3 == 0, "thirds", "others")
sample$some <- ifelse(i %% 10 == 0, 0, sample$w)

designs <- list(
  weights = svydesign(id = ~1, weights = ~w, data = sample),
  stratified = svydesign(id = ~1, strata = ~stratum, weights = ~w, data = sample),
  clustered = svydesign(id = ~area, strata = ~stratum, weights = ~w, data = sample, nest = TRUE),
  fpc = svydesign(id = ~area, strata = ~stratum, weights = ~w, fpc = ~areas, data = sample, nest = TRUE),
  zeros = svydesign(id = ~area, strata = ~stratum, weights = ~some, data = sample, nest = TRUE)
)
probs <- c(0.2, 0.35, 0.5, 0.75, 0.9)
table_of <- function(object) lapply(object, function(m) unname(unclass(m)))
quantiles <- function(design, formula = ~income, ...) table_of(svyquantile(formula, design, probs, na.rm = TRUE, ...))

basic <- lapply(designs, function(d) quantiles(d, ~ income + hours))
rules <- sapply(c("math", "school", "shahvaish", paste0("hf", 1:9)), function(rule)
  quantiles(designs$clustered, ~ income + hours, qrule = rule), simplify = FALSE)
intervals <- sapply(c("mean", "beta", "xlogit", "asin", "score"), function(kind)
  quantiles(designs$clustered, ~income, interval.type = kind), simplify = FALSE)
options_of <- list(
  level = quantiles(designs$clustered, alpha = 0.1), df = quantiles(designs$clustered, df = 7),
  normal = quantiles(designs$clustered, df = Inf),
  domain = quantiles(subset(designs$clustered, sex == "male" & hours > 4), ~hours)
)
each_group <- function(design, by, ...) {
  part <- split(seq_len(nrow(sample)), by)
  lapply(part, function(rows) quantiles(design[rows, ], ~ income + hours, ...))
}
by <- list(region = each_group(designs$clustered, sample$region), part = each_group(designs$clustered, sample$part),
           beta = each_group(designs$clustered, sample$part, interval.type = "beta"),
           score = each_group(designs$clustered, sample$part, interval.type = "score"))

margins <- list(data.frame(sex = c("male", "female"), Freq = c(48000, 52000)),
                data.frame(region = c("north", "south", "west"), Freq = c(25000, 40000, 35000)))
raked <- rake(designs$clustered, list(~sex, ~region), margins, control = list(maxit = 2000, epsilon = 1e-13))

replicated <- as.svrepdesign(designs$clustered, type = "JKn")
again <- function(theta, design) {
  found <- withReplicates(design, theta)
  list(estimate = as.vector(coef(found)), se = as.vector(SE(found)))
}
gini <- function(w, data) {
  o <- order(data$income)
  x <- data$income[o]
  w <- w[o] / sum(w)
  lorenz <- cumsum(w * x) / sum(w * x)
  1 - sum(w * (lorenz + c(0, lorenz[-length(lorenz)])))
}
jkn <- list(
  mean = quantiles(replicated), quantile = suppressWarnings(quantiles(replicated, interval.type = "quantile")),
  gini = again(gini, replicated), gini_north = again(gini, subset(replicated, region == "north"))
)

at <- c(120, 150, 180, 210)
below <- function(design) lapply(at, function(a) {
  m <- svymean(~ as.numeric(income <= a), design)
  list(estimate = as.vector(coef(m)), se = as.vector(SE(m)))
})
cdf <- list(at = at, svycdf = svycdf(~income, designs$clustered)[[1]](at), clustered = below(designs$clustered),
            raked = below(raked), north = below(subset(designs$clustered, region == "north")))

functions <- list(cubic = function(x) x^3 - x - 1, power = function(x) 3^x - 5, step = function(x) floor(x / 3) - 1.5,
                  flat = function(x) (x - 1.3)^5)
roots <- lapply(functions, function(f) sapply(c(0.5, 0.01, 1e-4), function(tol) uniroot(f, c(-1, 11), tol = tol)$root))

script <- sub("--file=", "", grep("--file=", commandArgs(), value = TRUE))
writeLines(toJSON(list(
  r = R.version.string, survey = as.character(packageVersion("survey")), sample = as.list(sample), probs = probs,
  basic = basic, rules = rules, intervals = intervals, options = options_of, by = by, raked = quantiles(raked, ~ income + hours),
  jkn = jkn, cdf = cdf, roots = roots
), digits = NA, auto_unbox = TRUE, na = "null", pretty = FALSE), file.path(dirname(script), "quantiles.json"))
