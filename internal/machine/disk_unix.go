//go:build unix

package machine

import (
	"fmt"
	"syscall"
)

// Disk says how full the volume of path is, in bytes. What is kept for root
// counts as neither used nor free, as df has it.
func Disk(path string) (Figure, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(path, &st); err != nil {
		return Figure{}, fmt.Errorf("look at volume of %s: %w", path, err)
	}
	size := float64(st.Bsize)
	used := (float64(st.Blocks) - float64(st.Bfree)) * size
	total := used + float64(st.Bavail)*size
	return Figure{Used: used, Total: &total, Unit: "B"}, nil
}
