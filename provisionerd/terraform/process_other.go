//go:build !linux

package terraform

import "os"

// corral does nothing here: processes of a job cannot be found.
type corral struct{}

type keeps struct {
	none      bool
	workspace string
}

func newCorral(string, string, string, []int) *corral { return &corral{} }

func (*corral) enter(int)              {}
func (*corral) members() []int         { return nil }
func (*corral) reap(keeps, bool)       {}
func (*corral) endWorkspace(string)    {}
func (*corral) leave()                 {}
func (*corral) launcher(string) string { return "" }
func (*corral) entrance() string       { return "" }

func memory([]int) int64 { return 0 }

// ownSession is not needed without the corral.
func ownSession() int { return 0 }

// changeTime is not known here; size and time of the last write must do.
func changeTime(os.FileInfo) int64 { return 0 }

// loadBallast and dropBallast need to know the free space of a disk.
func (*Provisioner) loadBallast()      {}
func (*Provisioner) dropBallast() bool { return false }
