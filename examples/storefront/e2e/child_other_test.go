//go:build !linux

package e2e

import "syscall"

func childDies() *syscall.SysProcAttr { return nil }
