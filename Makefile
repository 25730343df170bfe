.PHONY: run test lint fmt bench fuzz

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

# Every fuzz target for FUZZTIME, which is 30s unless it is set.
fuzz:
	.ci/fuzz
