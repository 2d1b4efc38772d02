#!/usr/bin/env bash
# What the tests need beyond Python: a browser, a PostgreSQL, Java for Spark and the HTML checker, R's survey. Installs it where it may, as root
# with apt-get; elsewhere says what is missing, and the tests that need it skip (or fail, under
# CI=true). Never an error of its own.
set -uo pipefail

have() { command -v "$1" >/dev/null 2>&1; }

missing=()
have chromium || have chromium-browser || have google-chrome || missing+=(chromium fonts-dejavu-core)
[ -d /usr/lib/postgresql ] || missing+=(postgresql)
have Rscript && Rscript -e 'library(survey)' >/dev/null 2>&1 || missing+=(r-cran-survey)
have java || missing+=(openjdk-17-jre-headless)
[ "${#missing[@]}" -eq 0 ] && exit 0

if [ "$(id -u)" -eq 0 ] && have apt-get; then
    export DEBIAN_FRONTEND=noninteractive
    log=$(mktemp)
    trap 'rm -f "$log"' EXIT
    echo "installing what tests need: ${missing[*]}"
    if apt-get update -qq >"$log" 2>&1 &&
        apt-get install -y -qq --no-install-recommends "${missing[@]}" >>"$log" 2>&1; then
        exit 0
    fi
    tail -n 3 "$log" >&2
fi
echo "missing, so that some tests skip: ${missing[*]} (install with your system's packages)" >&2
exit 0
