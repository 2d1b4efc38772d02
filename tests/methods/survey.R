# Shares and intervals by R's survey, for tests/methods/test_survey.py: reads design.csv, writes
# found.csv, both in the folder that is the first argument.
suppressMessages(library(survey))
folder <- commandArgs(TRUE)[1]
rows <- read.csv(file.path(folder, "design.csv"))
found <- data.frame()
note <- function(design, method, value, error, low, high)
  found <<- rbind(found, data.frame(design, method, value, error, low, high))
designs <- list(
  simple = svydesign(ids = ~1, weights = ~one, data = rows),
  stratified = svydesign(ids = ~1, strata = ~stratum, weights = ~weight, data = rows),
  clustered = svydesign(ids = ~cluster, strata = ~stratum, weights = ~weight, data = rows),
  pps = svydesign(ids = ~1, probs = ~probability, data = rows)
)
for (name in names(designs)) for (method in c("mean", "logit", "xlogit", "asin", "beta", "likelihood")) {
  p <- svyciprop(~label, designs[[name]], method = method)
  ends <- attr(p, "ci")
  note(name, method, as.numeric(p)[1], sqrt(as.numeric(attr(p, "var"))), ends[1], ends[2])
}
# Each item in the sample or not by itself: the headline's variance.
poisson <- svydesign(ids = ~1, probs = ~inclusion, pps = poisson_sampling(rows$inclusion), data = rows)
m <- svymean(~label, poisson)
t <- svytotal(~taken, poisson)
note("poisson", "ratio", as.numeric(coef(m)), as.numeric(SE(m)), NA, NA)
note("poisson", "total", as.numeric(coef(t)), as.numeric(SE(t)), NA, NA)
options(digits = 15)
write.csv(found, file.path(folder, "found.csv"), row.names = FALSE)
