# Reference numbers of R for the cases beside this file, as JSON on standard output.
#
#   Rscript tests/evaluation/peers/make_r.R > tests/evaluation/peers/r.json
#
# Debian: apt-get install r-base-core r-cran-proc. The tests read r.json only; R is not needed.

suppressPackageStartupMessages(library(pROC))

folder <- dirname(sub("--file=", "", grep("--file=", commandArgs(FALSE), value = TRUE)))
cases <- read.csv(file.path(folder, "cases.csv"), colClasses = c(patient = "character"))
cut <- 0.5

one <- function(positive, score) {
  curve <- roc(positive, score, levels = c(0, 1), direction = "<", quiet = TRUE)
  interval <- ci.auc(curve, method = "delong")
  logit <- qlogis(score)
  slope <- suppressWarnings(glm(positive ~ logit, family = binomial, epsilon = 1e-12))
  large <- suppressWarnings(glm(positive ~ offset(logit), family = binomial, epsilon = 1e-12))
  called <- score >= cut
  hits <- c(sum(called & positive == 1), sum(!called & positive == 0))
  totals <- c(sum(positive == 1), sum(positive == 0))
  wilson <- sapply(1:2, function(k) prop.test(hits[k], totals[k], correct = FALSE)$conf.int)
  list(
    auc = as.numeric(auc(curve)), low = interval[1], high = interval[3],
    variance = var(curve, method = "delong"),
    slope = unname(coef(slope)[2]), intercept = unname(coef(large)[1]),
    sensitivity = hits[1] / totals[1], sensitivity_low = wilson[1, 1],
    sensitivity_high = wilson[2, 1],
    specificity = hits[2] / totals[2], specificity_low = wilson[1, 2],
    specificity_high = wilson[2, 2],
    brier = mean((score - positive)^2), mcc = cor(called, positive),
    partial = partial(positive, score)
  )
}

parts <- list(
  c("fpr", 0, 0.1), c("fpr", 0, 0.2), c("fpr", 0.05, 0.35), c("fpr", 0, 1),
  c("sensitivity", 0.9, 1), c("sensitivity", 0.8, 1), c("sensitivity", 0.55, 0.85)
)

partial <- function(positive, score) {
  curve <- roc(positive, score, levels = c(0, 1), direction = "<", quiet = TRUE)
  area <- function(part, correct) {
    range <- as.numeric(part[2:3])
    focus <- if (part[1] == "fpr") "specificity" else "sensitivity"
    if (focus == "specificity") range <- 1 - range
    as.numeric(auc(curve,
      partial.auc = range, partial.auc.focus = focus,
      partial.auc.correct = correct, allow.invalid.partial.auc.correct = TRUE
    ))
  }
  names <- sapply(parts, function(p) sprintf("%s=%s-%s", p[1], p[2], p[3]))
  setNames(lapply(parts, function(p) list(area = area(p, FALSE), corrected = area(p, TRUE))), names)
}

both <- function(positive, first, second) {
  curves <- lapply(list(first, second), function(score) {
    roc(positive, score, levels = c(0, 1), direction = "<", quiet = TRUE)
  })
  test <- roc.test(curves[[1]], curves[[2]], method = "delong", paired = TRUE)
  right <- lapply(list(first, second), function(score) (score >= cut) == (positive == 1))
  only <- c(sum(right[[1]] & !right[[2]]), sum(right[[2]] & !right[[1]]))
  list(
    p = test$p.value, z = unname(test$statistic),
    low = test$conf.int[1], high = test$conf.int[2],
    covariance = cov(curves[[1]], curves[[2]], method = "delong"),
    only_first = only[1], only_second = only[2],
    mcnemar = binom.test(only[1], sum(only))$p.value
  )
}

as_json <- function(value) {
  if (!is.list(value)) return(if (is.character(value)) dQuote(value, FALSE) else sprintf("%.12g", value))
  fields <- sprintf("%s: %s", dQuote(names(value), FALSE), sapply(value, as_json))
  paste0("{", paste(fields, collapse = ",\n "), "}")
}

sets <- list()
for (name in unique(cases$set)) {
  own <- cases[cases$set == name, ]
  sets[[name]] <- list(
    first = one(own$positive, own$first), second = one(own$positive, own$second),
    pair = both(own$positive, own$first, own$second)
  )
}
p <- sapply(sets, function(s) s$pair$p)
result <- list(
  made_with = paste0("R ", getRversion(), ", pROC ", packageVersion("pROC")),
  holm = as.list(setNames(p.adjust(p, "holm"), names(p))),
  sets = sets
)
cat(as_json(result), "\n", sep = "")
