//go:build !linux

package child

// OwnPriority is 0 and 0: priorities are managed on Linux only.
func OwnPriority() (oom, nice int) { return 0, 0 }

func setPriority(int, int, int) {}

func setOOM(string, int) bool { return false }
