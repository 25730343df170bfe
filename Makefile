.PHONY: run deb test lint fmt bench bench-quick performance fuzz conformance

# What CI runs is `make lint test`; see .ci/run.

run:
	go run ./cmd/lapps

# The Debian package, in build.
deb:
	deploy/deb/build

test:
	go test -timeout 30m ./... && go test -race -timeout 30m ./...

lint:
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo "gofmt would change these: make fmt"; exit 1; }
	go vet ./...
	go tool staticcheck ./...

fmt:
	gofmt -w .

# All scenarios, all peers that can be had, an hour and a half on a quiet machine:
# `go run ./benchmarks/compare suite -list` says of what. The result is a file of its
# own in benchmarks/results.
bench:
	go run ./benchmarks/compare suite

# The newest result, or RESULT, as docs/performance.md.
performance:
	go run -C benchmarks/report . $(if $(RESULT),$(abspath $(RESULT)))

# A guard against regressions, two minutes on a quiet machine: CPU per message against
# the bare gnet echo in the same run. The bounds are a quarter above what was measured
# on 27 November 2026 (1.05 and 2.5).
bench-quick:
	go run ./benchmarks/compare -quiet -rounds 9 -duration 1s -warmup 300ms -most 80x1=1.35,80x16=3.2

# All 517 cases in full, some minutes, against lapps with compression; the report
# is in docs/conformance. CI plays a sample of groups 12 and 13.
conformance:
	.ci/conformance

# Every fuzz target for FUZZTIME, which is 30s unless it is set.
fuzz:
	.ci/fuzz
