//go:build profile

package main

import (
	"fmt"
	"log"
	"os"
	"path/filepath"
	"runtime/pprof"
	"time"
)

// A lapps that is built with -tags profile writes what it spends its time on to the
// folder LAPPS_PROFILE: from one second after its start on, for ten. default.pgo is
// made of such profiles, see .ci/profile.
func init() {
	if folder := os.Getenv("LAPPS_PROFILE"); folder != "" {
		time.AfterFunc(time.Second, func() {
			if err := profile(filepath.Join(folder, fmt.Sprintf("%d.pprof", os.Getpid()))); err != nil {
				log.Print("no profile: ", err)
			}
		})
	}
}

func profile(name string) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return err
	}
	time.Sleep(10 * time.Second)
	pprof.StopCPUProfile()
	return f.Close()
}
