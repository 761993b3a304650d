# Where finite populations and replicates are easily forgotten: models, chi-square and rank tests under a two-stage design with
# population sizes, and the jackknife with them. Writes traps.json beside this file:
#   Rscript tests/reference/traps.R
suppressPackageStartupMessages({ library(survey); library(jsonlite) })

i <- 1:300
sample <- data.frame(
  area = 1 + (i - 1) %/% 20,
  home = 1 + (i - 1) %/% 4,
  person = i,
  sex = c("male", "female")[1 + (i * 7 + i %/% 11) %% 5 %/% 3],
  answer = c("yes", "no", "unsure")[1 + (i * i + i %/% 7) %% 5 %/% 2],
  hours = (i * 17 %% 23) %% 24 + ((i - 1) %/% 20) %% 6,
  income = 100 + (i * 37) %% 91 + 3 * ((i - 1) %/% 20)
)
sample$areas <- 24
sample$homes <- 8
sample$people <- 6
sample$w <- 24 / 15
designs <- list(
  two_stage = svydesign(id = ~ area + home, fpc = ~ areas + homes, data = sample),
  three_stage = svydesign(id = ~ area + home + person, fpc = ~ areas + homes + people, data = sample),
  one_stage = svydesign(id = ~area, fpc = ~areas, data = sample),
  no_fpc = svydesign(id = ~area, weights = ~w, data = sample)
)
model <- function(d) {
  gaussian <- svyglm(hours ~ income + sex, d)
  logit <- svyglm(I(answer == "yes") ~ income + sex, d, family = quasibinomial, control = glm.control(epsilon = 1e-14, maxit = 100))
  list(gaussian = unname(SE(gaussian)), logit = unname(SE(logit)))
}
tests <- function(d) {
  chisq <- svychisq(~ answer + sex, d, statistic = "F")
  rank <- svyranktest(hours ~ sex, d)
  list(F = unname(chisq$statistic), ndf = unname(chisq$parameter[1]), ddf = unname(chisq$parameter[2]),
       rank = unname(as.vector(rank$statistic)))
}
jackknife <- function(d) {
  r <- as.svrepdesign(d, type = "JK1")
  m <- svymean(~income, r)
  list(mean = unname(coef(m)), se = unname(as.vector(SE(m))), ratio = unname(as.vector(SE(svyratio(~hours, ~income, r)))))
}
script <- sub("--file=", "", grep("--file=", commandArgs(), value = TRUE))
writeLines(toJSON(list(
  r = R.version.string, survey = as.character(packageVersion("survey")), sample = as.list(sample),
  model = lapply(designs, model), tests = lapply(designs, tests), jackknife = lapply(designs[c("one_stage", "no_fpc")], jackknife)
), digits = NA, auto_unbox = TRUE, na = "null", pretty = FALSE), file.path(dirname(script), "traps.json"))
