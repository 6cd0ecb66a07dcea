package local

import "syscall"

// endWithParent makes the kernel stop the process when the thread that started
// it ends. The signal is Postgres' own "immediate shutdown".
func endWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGQUIT }
