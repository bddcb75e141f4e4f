//go:build amd64 || arm64

package offline

import (
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// families are the sockets that stay: those within the machine.
var families = []uint32{unix.AF_UNIX, unix.AF_NETLINK}

// abi is one way to call the kernel: the numbers of the calls that make sockets. What io_uring is asked to do no filter
// sees, so there is none.
type abi struct {
	arch   uint32
	socket uint32
	denied []uint32
}

// Enter makes every socket(2) of a network fail with EPERM from now on, in all threads and in whatever they start.
func Enter() error {
	// The two calls must come from one thread.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("giving up new privileges: %w", err)
	}
	code := filter(abis)
	prog := unix.SockFprog{Len: uint16(len(code)), Filter: &code[0]}
	thread, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&prog)))
	runtime.KeepAlive(code)
	switch {
	case errno != 0:
		return fmt.Errorf("filtering system calls: %w", errno)
	case thread != 0:
		return fmt.Errorf("filtering system calls: thread %d has a filter of its own", thread)
	}
	return nil
}

// The offsets in what a filter sees of a call (struct seccomp_data); the lower half of an argument comes first.
const (
	callNumber = 0
	callArch   = 4
	callArg0   = 16
)

// x32 is the bit in the number of a call of amd64 with pointers of 32 bits.
const x32 = 0x40000000

// filter gives the program: for each ABI a part that tells what it may, and of an ABI that is not known nothing passes.
func filter(abis []abi) []unix.SockFilter {
	load := func(offset uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: offset}
	}
	// jump goes on after then or otherwise instructions.
	jump := func(op uint16, value uint32, then, otherwise int) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | op | unix.BPF_K, K: value, Jt: uint8(then), Jf: uint8(otherwise)}
	}
	allow := unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW}
	deny := unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)}

	var code []unix.SockFilter
	for _, a := range abis {
		part := []unix.SockFilter{load(callNumber)}
		if a.arch == unix.AUDIT_ARCH_X86_64 {
			part = append(part, jump(unix.BPF_JGE, x32, 0, 1), deny)
		}
		for _, number := range a.denied {
			part = append(part, jump(unix.BPF_JEQ, number, 0, 1), deny)
		}
		part = append(part, jump(unix.BPF_JEQ, a.socket, 1, 0), allow, load(callArg0))
		for _, family := range families {
			part = append(part, jump(unix.BPF_JEQ, family, 0, 1), allow)
		}
		part = append(part, deny)
		code = append(code, load(callArch), jump(unix.BPF_JEQ, a.arch, 0, len(part)))
		code = append(code, part...)
	}
	return append(code, deny)
}
