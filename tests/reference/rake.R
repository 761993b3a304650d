# Raked weights from R's survey package, on a sample made by formula. Writes rake.json beside this file:
#   Rscript tests/reference/rake.R
suppressPackageStartupMessages(library(survey))

i <- 1:240
sample <- data.frame(
  sex = c("male", "female")[1 + (i * 7) %% 5 %/% 3],
  age4 = c("18-29", "30-44", "45-59", "60+")[1 + (i * 11 + i %/% 9) %% 4],
  region = c("north", "south", "west")[1 + (i * 5 + i %/% 3) %% 7 %/% 3],
  w = 1 + (i * 13 %% 17) %% 6 / 4
)
tight <- list(maxit = 5000, epsilon = 1e-14, verbose = FALSE)
freq <- function(variable, labels, share, total) setNames(data.frame(labels, share * total), c(variable, "Freq"))
sex <- function(total) freq("sex", c("male", "female"), c(0.47, 0.53), total)
age <- function(total) freq("age4", c("18-29", "30-44", "45-59", "60+"), c(0.21, 0.29, 0.27, 0.23), total)
region <- function(total) freq("region", c("north", "south", "west"), c(0.2, 0.45, 0.35), total)
sex_age <- data.frame(
  expand.grid(sex = c("male", "female"), age4 = c("18-29", "30-44", "45-59", "60+"), stringsAsFactors = FALSE),
  Freq = c(0.11, 0.10, 0.14, 0.15, 0.13, 0.14, 0.09, 0.14) * 1e6
)

raked <- function(base, margins, population) {
  design <- svydesign(id = ~1, weights = base, data = sample)
  unname(weights(rake(design, margins, population, control = tight)))
}
cases <- list(
  shares_without_base = raked(rep(1, 240), list(~sex, ~age4), list(sex(240), age(240))),
  shares_with_base = raked(sample$w, list(~sex, ~age4, ~region), lapply(list(sex, age, region), do.call, list(sum(sample$w)))),
  counts = raked(sample$w, list(~sex, ~age4, ~region), list(sex(1e6), age(1e6), region(1e6))),
  crossed_margin = raked(rep(1, 240), list(~ sex + age4, ~region), list(sex_age, region(1e6)))
)

numbers <- function(x) paste0("[", paste(formatC(x, digits = 17, format = "g"), collapse = ", "), "]")
texts <- function(x) paste0("[", paste0('"', x, '"', collapse = ", "), "]")
entry <- function(name, value) sprintf('  "%s": %s', name, value)
columns <- c(
  vapply(c("sex", "age4", "region"), function(v) entry(v, texts(sample[[v]])), ""),
  entry("w", numbers(sample$w))
)
output <- c(
  "{",
  sprintf('"r": "%s",', R.version.string),
  sprintf('"survey": "%s",', packageVersion("survey")),
  '"sample": {', paste(columns, collapse = ",\n"), "},",
  '"weights": {', paste(mapply(function(n, x) entry(n, numbers(x)), names(cases), cases), collapse = ",\n"), "}",
  "}"
)
script <- sub("--file=", "", grep("--file=", commandArgs(), value = TRUE))
writeLines(output, file.path(dirname(script), "rake.json"))
