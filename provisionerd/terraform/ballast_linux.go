package terraform

import (
	"os"
	"path/filepath"
	"syscall"
)

const (
	// ballastBytes are kept for the state: when the disk fills up while a job
	// runs they are given back, so that Terraform can write what it has made.
	ballastBytes = 16 << 20
	// lowDisk is how little free space counts as a full disk.
	lowDisk = 1 << 20
)

func (p *Provisioner) ballastFile() string { return filepath.Join(p.opts.WorkDir, "ballast") }

// loadBallast takes the place. Where there is none, the job will say so itself.
func (p *Provisioner) loadBallast() {
	f, err := os.OpenFile(p.ballastFile(), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return
	}
	defer func() { _ = f.Close() }()
	if err := syscall.Fallocate(int(f.Fd()), 0, 0, ballastBytes); err != nil {
		_ = os.Remove(p.ballastFile())
	}
}

// dropBallast gives the place back if the disk is full, and reports that it is.
func (p *Provisioner) dropBallast() bool {
	var fs syscall.Statfs_t
	if syscall.Statfs(p.opts.WorkDir, &fs) != nil || int64(fs.Bavail)*fs.Bsize >= lowDisk {
		return false
	}
	_ = os.Remove(p.ballastFile())
	return true
}
