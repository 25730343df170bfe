package main

import (
	"errors"
	"log/slog"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// memoryRatio is which part of the memory that the process may have Go's runtime
// keeps to: the rest is what it does not count, stacks of C and the kernel's pages.
const memoryRatio = 0.9

// limitMemory has Go's collector work harder where the process would come to more
// memory than its control group may have. An operator's own GOMEMLIMIT stands.
func limitMemory(log *slog.Logger, provider memlimit.Provider) {
	limit, err := memlimit.SetGoMemLimitWithOpts(
		memlimit.WithRatio(memoryRatio),
		memlimit.WithProvider(provider),
		memlimit.WithLogger(slog.New(slog.DiscardHandler)),
	)
	switch {
	case errors.Is(err, memlimit.ErrCgroupsNotSupported), errors.Is(err, memlimit.ErrNoCgroup):
	case err != nil:
		log.Warn("the memory limit of the control group cannot be read", "err", err)
	case limit > 0:
		log.Info("memory limit", "bytes", limit)
	}
}
