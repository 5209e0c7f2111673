//go:build linux || darwin

package main

import "syscall"

// freeSpace is how many bytes this user may still write in a folder's file system.
func freeSpace(folder string) (uint64, bool) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(folder, &s); err != nil {
		return 0, false
	}
	return s.Bavail * uint64(s.Bsize), true
}
