package e2e

import "syscall"

// childDies makes a child end with this process, also when that is killed.
func childDies() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
