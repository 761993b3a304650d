# Linear and nonlinear contrasts of means, shares, totals, domains and coefficients from R's survey package, linearised and
# under jackknife weights (evaluated in every replicate, and by the delta method where the replicates were not kept), and
# totals by ratio estimation, on a clustered sample made by formula. Writes contrasts.json beside this file:
#   Rscript tests/reference/contrasts.R
suppressPackageStartupMessages({ library(survey); library(jsonlite) })

i <- 1:300
sample <- data.frame(
  stratum = c("a", "b", "c")[1 + (i - 1) %/% 100],
  area = 1 + (i - 1) %/% 10,
  w = 1 + (i * 13 %% 17) %% 7 / 4,
  sex = c("male", "female")[1 + (i * 7 + i %/% 11) %% 5 %/% 3],
  vote = c("red", "green", "none")[1 + (i * i + i %/% 7) %% 5 %/% 2],
  hours = 2 + (i * 17 %% 23) %% 24 + (i %/% 10) %% 5,
  income = 100 + (i * 37) %% 91 + 3 * ((i - 1) %/% 10)
)
taylor <- svydesign(id = ~area, strata = ~stratum, weights = ~w, data = sample, nest = TRUE)
jkn <- as.svrepdesign(taylor, type = "JKn")

result <- function(object, df) {
  value <- if (is.list(object)) object[[1]] else object # with the replicates beside it
  estimate <- unname(as.vector(value))
  vcov <- unname(as.matrix(attr(value, "var")))
  half <- qt(0.975, df) * sqrt(diag(vcov))
  list(estimate = estimate, vcov = vcov, interval = cbind(estimate - half, estimate + half))
}
functions <- list(
  ratio = quote(hours / income), logs = quote(log(income) - 2 * log(hours)), root = quote(sqrt(hours) * exp(-income / 200)),
  power = quote((income - 10 * hours)^2 / income), lead = quote(income - 3 * hours)
)
votes <- list(
  lead = quote(votered - votegreen), twoparty = quote(votered / (votered + votegreen)),
  odds = quote(log(votered / (1 - votered)) - log(votegreen / (1 - votegreen)))
)
sexes <- list(gap = quote(male - female), relative = quote(male / female), average = quote(0.25 * male + 0.75 * female))

of <- function(design, df, ...) list(
  means = result(svycontrast(svymean(~hours + income, design, ...), functions), df),
  totals = result(svycontrast(svytotal(~hours + income, design, ...), functions[c("ratio", "logs", "lead")]), df),
  votes = result(svycontrast(svymean(~vote, design, ...), votes), df),
  sexes = result(svycontrast(svyby(~income, ~sex, design, svymean, covmat = TRUE, ...), sexes), df)
)
fit <- svyglm(income ~ hours + sex, taylor)
predicted <- predict(svyratio(~income, ~hours, taylor), total = 5000)

script <- sub("--file=", "", grep("--file=", commandArgs(), value = TRUE))
writeLines(toJSON(list(
  r = R.version.string, survey = as.character(packageVersion("survey")), sample = as.list(sample),
  taylor = of(taylor, degf(taylor)), delta = of(jkn, degf(jkn)), replicates = of(jkn, degf(jkn), return.replicates = TRUE),
  coefficients = result(svycontrast(fit, list(c(0, 10, 1), c(1, 5, 0))), degf(taylor)),
  predicted = list(total = as.vector(predicted$total), se = as.vector(predicted$se))
), digits = NA, auto_unbox = TRUE, na = "null", pretty = FALSE), file.path(dirname(script), "contrasts.json"))
