.PHONY: run test lint fmt bench fuzz conformance

# What CI runs is `make lint test`; see .ci/run.

run:
	go run ./cmd/lapps

test:
	go test ./... && go test -race ./...

lint:
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo "gofmt would change these: make fmt"; exit 1; }
	go vet ./...
	go tool staticcheck ./...

fmt:
	gofmt -w .

bench:
	go run ./benchmarks/compare

# All 517 cases in full, some minutes, against lapps with compression; the report
# is in docs/conformance. CI plays a sample of groups 12 and 13.
conformance:
	.ci/conformance

# Every fuzz target for FUZZTIME, which is 30s unless it is set.
fuzz:
	.ci/fuzz
