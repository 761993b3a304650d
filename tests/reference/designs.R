# Sampling designs from R's survey package: several stages with fpc, unequal probabilities, two phases, domains that leave
# a stratum one unit; on samples made by formula. Writes designs.json beside this file:
#   Rscript tests/reference/designs.R
# survey 4.1-1 takes the size of another row's stratum in a two-phase design whose first phase has strata of unequal size,
# and one probability for all units of a stratum when a domain drops some (Brewer, and two phases with method "approx").
# The first is computed from the joint probabilities here, the others by totals of variables that are zero outside the
# domain. R also takes two units as independent whose probabilities sum to exactly 1 (Hartley-Rao); there are none here.
suppressPackageStartupMessages({ library(survey); library(jsonlite) })
options(survey.lonely.psu = "fail")

number <- function(object, design = NULL) c(list(
  estimate = unname(as.vector(coef(object))), se = unname(as.vector(SE(object)))
), if (!is.null(design)) list(df = degf(design)))
dense <- function(v) unname(matrix(as.numeric(as.matrix(v)), NROW(v)))

# --- several stages ---------------------------------------------------------------------------------------------------
i <- 1:432
many <- data.frame(
  stratum = c("a", "b", "c", "d")[1 + (i - 1) %/% 108],
  area = 1 + (i - 1) %/% 36,
  quarter = c("old", "new")[1 + ((i - 1) %/% 12) %% 3 %/% 2],
  home = 1 + (i - 1) %/% 6,
  person = i,
  sex = c("male", "female")[1 + (i * 7 + i %/% 11) %% 5 %/% 3],
  answer = c("yes", "no", "unsure")[1 + (i * i + i %/% 7) %% 5 %/% 2],
  hours = (i * 17 %% 23) %% 24 + (i %/% 15) %% 5,
  income = 100 + (i * 37) %% 91 + 3 * ((i - 1) %/% 15)
)
many$oppose <- as.numeric(many$answer == "no")
many$areas <- c(a = 12, b = 9, c = 3, d = 20)[many$stratum]  # stratum c was taken whole
many$homes <- ifelse(many$quarter == "old", 8, 5)
many$homes_all <- 10
many$people <- 9
several <- list(
  two = svydesign(~ area + home, strata = ~stratum, fpc = ~ areas + homes_all, data = many, nest = TRUE),
  three = svydesign(~ area + home + person, strata = ~stratum, fpc = ~ areas + homes_all + people, data = many, nest = TRUE),
  substrata = svydesign(~ area + home, strata = ~ stratum + quarter, fpc = ~ areas + homes, data = many, nest = TRUE)
)
settled <- function(d) {  # R takes errors from the last step but one, so the fit starts where it ends
  model <- function(start) svyglm(oppose ~ hours + sex, d, family = quasibinomial, start = start,
                                  control = glm.control(epsilon = 1e-14, maxit = 100))
  model(coef(model(NULL)))
}
stages <- lapply(several, function(d) list(
  total = number(svytotal(~income, d), d), mean = number(svymean(~hours, d)), share = number(svymean(~answer, d)),
  share_vcov = dense(vcov(svymean(~answer, d))), ratio = number(svyratio(~income, ~hours, d)),
  by = number(svyby(~income, ~sex, d, svymean)), by_total = number(svyby(~income, ~sex, d, svytotal)),
  domain = number(svytotal(~hours, subset(d, sex == "male" & income > 150))),
  glm = number(settled(d)),
  linear = number(svyglm(income ~ hours + sex, d))
))

# --- unequal probabilities --------------------------------------------------------------------------------------------
j <- 1:48
unequal <- data.frame(
  stratum = 1 + (j > 14) + (j > 30),
  area = 1 + (j - 1) %/% 3,
  p = round(0.0803 + ((j * 13) %% 17) / 25.37, 4),
  home = j,
  y = (j * 29) %% 31 + 2,
  x = 5 + (j * 11) %% 13,
  sex = c("male", "female")[1 + (j * 5) %% 7 %/% 4]
)
unequal$pa <- round(0.1 + ((unequal$area * 7) %% 11) / 15, 4)
unequal$ph <- 0.5
unequal$p[5] <- 1
p <- unequal$p
joint <- outer(p, p) * (1 - 0.02 * (1 - outer(p, p, pmax)) * (1 + outer(j, j, function(a, b) (a * b) %% 5) / 5))
diag(joint) <- p
given <- c(0.21, 0.34, 0.4)
pps <- list(
  brewer = svydesign(~1, fpc = ~p, data = unequal, pps = "brewer"),
  brewer_strata = svydesign(~1, strata = ~stratum, fpc = ~p, data = unequal, pps = "brewer"),
  brewer_stages = svydesign(~ area + home, fpc = ~ pa + ph, data = unequal, pps = "brewer"),
  overton = svydesign(~1, fpc = ~p, data = unequal, pps = "overton"),
  overton_strata = svydesign(~1, strata = ~stratum, fpc = ~p, data = unequal, pps = "overton"),
  overton_clusters = svydesign(~area, fpc = ~pa, data = unequal, pps = "overton"),
  overton_yg = svydesign(~1, strata = ~stratum, fpc = ~p, data = unequal, pps = "overton", variance = "YG"),
  hr = svydesign(~1, strata = ~stratum, fpc = ~p, data = unequal, pps = HR()),
  hr_given = svydesign(~1, strata = ~stratum, fpc = ~p, data = unequal, pps = HR(list(given), list(1:3))),
  hr_number = svydesign(~1, fpc = ~p, data = unequal, pps = HR(0.3)),
  hr_yg = svydesign(~1, strata = ~stratum, fpc = ~p, data = unequal, pps = HR(), variance = "YG"),
  poisson = svydesign(~1, fpc = ~p, data = unequal, pps = poisson_sampling(unequal$p)),
  joint = svydesign(~1, fpc = ~p, data = unequal, pps = ppsmat(joint)),
  joint_yg = svydesign(~1, strata = ~stratum, fpc = ~p, data = unequal, pps = ppsmat(joint), variance = "YG")
)
unequal_results <- lapply(pps, function(d) {
  d <- update(d, y0 = y * (sex == "male"))
  list(total = number(svytotal(~ y + x, d), d), vcov = dense(vcov(svytotal(~ y + x, d))), mean = number(svymean(~y, d)),
       share = number(svymean(~sex, d)), ratio = number(svyratio(~y, ~x, d)), domain = number(svytotal(~y0, d)))
})
unequal_results$brewer$glm <- number(svyglm(y ~ x, pps$brewer))
unequal_results$brewer_stages$glm <- number(svyglm(y ~ x + sex, pps$brewer_stages))

# --- two phases -------------------------------------------------------------------------------------------------------
k <- 1:240
phase <- data.frame(
  id = k,
  region = c("n", "s", "w")[1 + (k > 80) + (k > 160)],
  uneven = c("n", "s", "w")[1 + (k > 40) + (k > 130)],
  area = 1 + (k - 1) %/% 12,
  block = 1 + (k - 1) %/% 4,
  seen = c("low", "mid", "high")[1 + (k * 7 + k %/% 9) %% 8 %/% 3],
  y = (k * 31) %% 41 + (k %/% 20),
  x = 3 + (k * 13) %% 19,
  sex = c("male", "female")[1 + (k * 5 + k %/% 3) %% 7 %/% 4]
)
phase$N <- 1000
phase$N_region <- c(n = 400, s = 350, w = 900)[phase$region]
phase$N_uneven <- c(n = 150, s = 350, w = 900)[phase$uneven]
phase$areas <- 60
phase$blocks <- 5
phase$w1 <- 1000 / 240
share <- c(low = 3, mid = 2, high = 4)[phase$seen]
phase$asked <- as.numeric((k * 11 + k %/% 4) %% share == 0)
phase$one_f <- as.numeric(phase$sex == "female")
phase$one_m <- 1 - phase$one_f
phase$y_f <- phase$y * phase$one_f
phase$y_m <- phase$y * phase$one_m
phase$asked_area <- as.numeric(phase$area %% 3 != 1)
two <- function(...) twophase(..., data = phase)
sub <- phase[phase$asked == 1, ]
phases <- list(
  plain_full = two(list(~id, ~id), list(NULL, ~seen), subset = ~I(asked == 1), method = "full"),
  plain_approx = two(list(~id, ~id), list(NULL, ~seen), subset = ~I(asked == 1), method = "approx"),
  srs_full = two(list(~id, ~id), list(NULL, ~seen), fpc = list(~N, NULL), subset = ~I(asked == 1), method = "full"),
  srs_approx = two(list(~id, ~id), list(NULL, ~seen), fpc = list(~N, NULL), subset = ~I(asked == 1), method = "approx"),
  srs_simple_phase2 = two(list(~id, ~id), list(NULL, NULL), fpc = list(~N, NULL), subset = ~I(asked == 1), method = "approx"),
  probs_full = two(list(~id, ~id), list(NULL, ~seen), probs = list(~I(1 / w1), NULL), subset = ~I(asked == 1), method = "full"),
  weights_approx = two(list(~id, ~id), list(NULL, ~seen), weights = list(~w1, NULL), subset = ~I(asked == 1), method = "approx"),
  strata_full = two(list(~id, ~id), list(~region, ~seen), fpc = list(~N_region, NULL), subset = ~I(asked == 1), method = "full"),
  strata_approx = two(list(~id, ~id), list(~region, ~seen), fpc = list(~N_region, NULL), subset = ~I(asked == 1), method = "approx"),
  uneven_approx = two(list(~id, ~id), list(~uneven, ~seen), fpc = list(~N_uneven, NULL), subset = ~I(asked == 1), method = "approx"),
  clusters_full = two(list(~area, ~id), list(NULL, ~seen), fpc = list(~areas, NULL), subset = ~I(asked == 1), method = "full"),
  stages_full = two(list(~ area + block, ~id), list(NULL, ~seen), fpc = list(~ areas + blocks, NULL), subset = ~I(asked == 1), method = "full"),
  areas_full = two(list(~area, ~area), list(NULL, NULL), fpc = list(~areas, NULL), subset = ~I(asked_area == 1), method = "full"),
  areas_approx = two(list(~area, ~area), list(NULL, NULL), fpc = list(~areas, NULL), subset = ~I(asked_area == 1), method = "approx")
)
phase_results <- lapply(phases, function(d) {
  s <- d$subset
  out <- list(total = number(svytotal(~ y + x, d), d), vcov = dense(vcov(svytotal(~ y + x, d))), mean = number(svymean(~ y, d)),
       share = number(svymean(~sex, d)), ratio = number(svyratio(~y, ~x, d)),
       by = number(if (inherits(d, "twophase2")) svyby(~y, ~sex, d, svymean) else svyratio(~ y_f + y_m, ~ one_f + one_m, d)),
       df_male = degf(subset(d, sex == "male")))
  out
})
# a first phase with strata of unequal size, from the joint probabilities of both phases
check <- function(stratum, prob, size) {
  d <- outer(stratum, stratum, "==") * -outer((1 - prob) / (size - 1), rep(1, length(prob)))
  diag(d) <- 1 - prob
  d
}
by_stratum <- function(key, all_keys) as.vector(table(all_keys)[key])
one <- check(sub$uneven, by_stratum(sub$uneven, phase$uneven) / sub$N_uneven, by_stratum(sub$uneven, phase$uneven))
prob2 <- by_stratum(sub$seen, sub$seen) / by_stratum(sub$seen, phase$seen)
second <- check(sub$seen, prob2, by_stratum(sub$seen, sub$seen))
full <- one + second - one * second
weight <- 1 / (by_stratum(sub$uneven, phase$uneven) / sub$N_uneven * prob2)
z <- weight * as.matrix(sub[c("y", "x")])
zm <- weight * (sub$y - sum(weight * sub$y) / sum(weight)) / sum(weight)
inside <- weight * sub$y * (sub$sex == "male")
phase_results$uneven_full <- list(
  total = list(estimate = unname(colSums(z)), se = unname(sqrt(diag(t(z) %*% full %*% z))), df = nrow(sub) - 3),
  vcov = dense(t(z) %*% full %*% z),
  mean = list(estimate = sum(weight * sub$y) / sum(weight), se = sqrt(drop(t(zm) %*% full %*% zm))),
  domain = list(estimate = sum(inside), se = sqrt(drop(t(inside) %*% full %*% inside)))
)

# --- strata of which a domain leaves one unit -------------------------------------------------------------------------
thin <- subset(many, !(stratum == "d" & area > 10))
thin$group <- c("g", "h", "k")[1 + (thin$area * 5 + thin$home %/% 4) %% 3]
thin$group[thin$area %in% c(1, 2)] <- "g"
thin$w <- 1 + (thin$person * 13 %% 17) %% 7 / 4
thin_results <- sapply(c("adjust", "average"), function(rule) {
  options(survey.lonely.psu = rule)
  one <- function(domains) {
    options(survey.adjust.domain.lonely = domains)
    d <- svydesign(~area, strata = ~stratum, weights = ~w, data = thin, nest = TRUE)
    f <- svydesign(~area, strata = ~stratum, weights = ~w, fpc = ~areas, data = thin, nest = TRUE)
    r <- suppressWarnings(list(
      mean = number(svymean(~income, subset(d, group == "h")), subset(d, group == "h")), by = number(svyby(~income, ~group, d, svymean)),
      share = number(svyby(~answer, ~group, d, svymean)), vcov = dense(vcov(svymean(~answer, subset(d, group == "h")))), ratio = number(svyratio(~income, ~hours, subset(d, group == "g"))),
      fpc = number(svyby(~income, ~group, f, svymean)), glm = number(svyglm(income ~ hours, subset(d, group != "k")))
    ))
    if (rule == "average") r$total <- suppressWarnings(number(svyby(~income, ~group, d, svytotal)))
    r
  }
  list(default = one(FALSE), domains = one(TRUE))
}, simplify = FALSE)

script <- sub("--file=", "", grep("--file=", commandArgs(), value = TRUE))
writeLines(toJSON(list(
  r = R.version.string, survey = as.character(packageVersion("survey")),
  many = as.list(many), stages = stages, unequal = as.list(unequal), joint = dense(joint), given = given, pps = unequal_results,
  phase = as.list(phase), phases = phase_results, thin = as.list(thin), thin_results = thin_results
), digits = NA, auto_unbox = TRUE, na = "string", pretty = FALSE), file.path(dirname(script), "designs.json"))
