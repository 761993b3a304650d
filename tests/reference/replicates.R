# Replicate weights from R's survey package: given ones of every type, built ones (jackknife, half-samples), degrees of
# freedom, and raking repeated in every replicate, on a stratified cluster sample made by formula. Writes replicates.json
# beside this file:
#   Rscript tests/reference/replicates.R
suppressPackageStartupMessages({ library(survey); library(jsonlite) })

i <- 1:240
sample <- data.frame(
  stratum = c("a", "b", "c", "d", "e")[1 + (i - 1) %/% 48],
  area = 1 + (i - 1) %/% 24,
  trio = 1 + (i - 1) %/% 16,
  block = c("p", "q", "r")[1 + (i - 1) %/% 80],
  w = 2 + (i * 13 %% 17) %% 7 / 4,
  sex = c("male", "female")[1 + (i * 7 + i %/% 11) %% 5 %/% 3],
  region = c("north", "south", "west")[1 + (i * 5 + i %/% 3) %% 7 %/% 3],
  answer = c("yes", "no", "unsure")[1 + (i * i + i %/% 7) %% 5 %/% 2],
  hours = ifelse(i %% 29 == 0, NA, (i * 17 %% 23) %% 24 + (i %/% 24) %% 5),
  income = 100 + (i * 37) %% 91 + 3 * ((i - 1) %/% 24)
)
sample$areas <- c(a = 4, b = 6, c = 5, d = 10, e = 3)[sample$stratum]
sample$trios <- c(p = 5, q = 12, r = 9)[sample$block]

R <- 12
factors <- outer((i - 1) %/% 12, 1:R, function(u, r) (u * u + r * 7 + u * (r %% 3)) %% 7) / 3  # 0, 1/3, ... 2
weights <- factors * sample$w
rscales <- 0.5 + (1:R) %% 3 / 4

result <- function(object, design) list(
  estimate = unname(as.vector(coef(object))), se = unname(as.vector(SE(object))), df = as.numeric(degf(design))
)
everything <- function(d) list(
  mean = result(svymean(~hours, d, na.rm = TRUE), d),
  share = result(svymean(~answer, d), d),
  total = result(svytotal(~income, d), d),
  ratio = result(svyratio(~income, ~area, d), d),
  by = result(svyby(~income, ~region, d, svymean), d),
  domain = result(svymean(~income, subset(d, sex == "male" & area < 7)), subset(d, sex == "male" & area < 7)),
  scale = d$scale, rscales = as.numeric(d$rscales)
)
given <- function(type, combined = TRUE, ...) suppressWarnings(svrepdesign(
  data = sample, weights = ~w, repweights = if (combined) weights else factors, type = type, combined.weights = combined, ...
))
types <- list(
  JK1 = given("JK1"), JK1_scale = given("JK1", scale = 0.9, mse = TRUE), JK1_factors = given("JK1", combined = FALSE),
  JKn = given("JKn", rscales = rscales), JKn_factors = given("JKn", combined = FALSE),
  JK2 = given("JK2"), BRR = given("BRR"), BRR_factors = given("BRR", combined = FALSE, mse = TRUE),
  Fay = given("Fay", rho = 0.4), bootstrap = given("bootstrap"), bootstrap_scale = given("bootstrap", scale = 0.2, rscales = rscales),
  SDR = given("successive-difference"), ACS = given("ACS", mse = TRUE), other = given("other", scale = 0.3, rscales = rscales)
)

designs <- list(
  clustered = svydesign(id = ~area, strata = ~stratum, weights = ~w, data = sample, nest = TRUE),
  with_fpc = svydesign(id = ~area, strata = ~stratum, weights = ~w, fpc = ~areas, data = sample, nest = TRUE),
  uneven = svydesign(id = ~trio, strata = ~block, weights = ~w, fpc = ~trios, data = sample, nest = TRUE),
  whole = svydesign(id = ~area, weights = ~w, data = sample)
)
built <- list(  # with mse = TRUE, R leaves strata that were taken as a whole out of the replicates of a total
  JKn = as.svrepdesign(designs$clustered, type = "JKn"),
  JKn_fpc = as.svrepdesign(designs$with_fpc, type = "JKn"),
  JKn_uneven = as.svrepdesign(designs$uneven, type = "JKn"),
  JK1 = as.svrepdesign(designs$whole, type = "JK1"),
  BRR = as.svrepdesign(designs$clustered, type = "BRR"),
  Fay = as.svrepdesign(designs$clustered, type = "Fay", fay.rho = 0.3)
)
set.seed(1)
scales <- list(
  rao_wu = as.svrepdesign(designs$uneven, type = "subbootstrap", replicates = 30)$scale,
  canty_davison = suppressWarnings(as.svrepdesign(designs$uneven, type = "bootstrap", replicates = 30)$scale),
  preston = as.svrepdesign(designs$uneven, type = "mrbbootstrap", replicates = 30)$rscales[1]
)

margins <- list(
  data.frame(sex = c("male", "female"), Freq = c(0.48, 0.52) * 1000),
  data.frame(region = c("north", "south", "west"), Freq = c(0.25, 0.40, 0.35) * 1000)
)
raked <- lapply(list(
  combined = types$bootstrap, factors = given("bootstrap", combined = FALSE), JKn = built$JKn, JKn_fpc = built$JKn_fpc,
  JK1 = built$JK1
), function(d) {
  again <- rake(d, list(~sex, ~region), margins, control = list(maxit = 2000, epsilon = 1e-13))
  list(mean = result(svymean(~income, again), again), share = result(svymean(~answer, again), again))
})

script <- sub("--file=", "", grep("--file=", commandArgs(), value = TRUE))
writeLines(toJSON(list(
  r = R.version.string, survey = as.character(packageVersion("survey")), sample = as.list(sample),
  factors = factors, rscales = rscales, given = lapply(types, everything), built = lapply(built, everything),
  scales = scales, raked = raked
), digits = NA, auto_unbox = TRUE, na = "null", pretty = FALSE), file.path(dirname(script), "replicates.json"))
