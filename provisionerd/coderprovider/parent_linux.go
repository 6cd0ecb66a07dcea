package coderprovider

import "syscall"

// prSetPdeathsig is PR_SET_PDEATHSIG of prctl(2).
const prSetPdeathsig = 1

// dieWithParent asks the kernel to kill this process when its parent ends. A
// refusal is no reason to stop: Terraform normally ends its plugins itself.
func dieWithParent() {
	_, _, _ = syscall.RawSyscall(syscall.SYS_PRCTL, prSetPdeathsig, uintptr(syscall.SIGKILL), 0)
}
