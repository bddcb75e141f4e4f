package offline

import "golang.org/x/sys/unix"

// The numbers of i386 are those of its own table.
var abis = []abi{
	{arch: unix.AUDIT_ARCH_X86_64, socket: unix.SYS_SOCKET, denied: []uint32{unix.SYS_IO_URING_SETUP}},
	{arch: unix.AUDIT_ARCH_I386, socket: 359, denied: []uint32{102 /* socketcall */, 425 /* io_uring_setup */}},
}
