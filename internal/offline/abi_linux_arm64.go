package offline

import "golang.org/x/sys/unix"

// The numbers of 32-bit ARM are those of its own table.
var abis = []abi{
	{arch: unix.AUDIT_ARCH_AARCH64, socket: unix.SYS_SOCKET, denied: []uint32{unix.SYS_IO_URING_SETUP}},
	{arch: unix.AUDIT_ARCH_ARM, socket: 281, denied: []uint32{102 /* socketcall */, 425 /* io_uring_setup */}},
}
