package conformance

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"runtime"
)

// exitCode is machine code for exit(0), by Go's name of the architecture.
var exitCode = map[string]struct {
	machine elf.Machine
	code    []byte
}{
	"amd64": {elf.EM_X86_64, []byte{
		0xb8, 0x3c, 0, 0, 0, // mov eax, 60
		0x31, 0xff, // xor edi, edi
		0x0f, 0x05, // syscall
	}},
	"arm64": {elf.EM_AARCH64, []byte{
		0xa8, 0x0b, 0x80, 0xd2, // mov x8, 93
		0x00, 0x00, 0x80, 0xd2, // mov x0, 0
		0x01, 0x00, 0x00, 0xd4, // svc 0
	}},
}

// trueProgram is the smallest program that a RUN on scratch can start: an ELF
// header, one segment, and a call of exit. No compiler has to be there.
func trueProgram() ([]byte, error) {
	arch, ok := exitCode[runtime.GOARCH]
	if !ok {
		return nil, fmt.Errorf("making a program: no machine code for %s", runtime.GOARCH)
	}
	const headers, base = 64 + 56, 0x400000
	size := uint64(headers + len(arch.code))
	var b bytes.Buffer
	header := elf.Header64{
		Ident:     [elf.EI_NIDENT]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)},
		Type:      uint16(elf.ET_EXEC),
		Machine:   uint16(arch.machine),
		Version:   uint32(elf.EV_CURRENT),
		Entry:     base + headers,
		Phoff:     64,
		Ehsize:    64,
		Phentsize: 56,
		Phnum:     1,
	}
	segment := elf.Prog64{
		Type:   uint32(elf.PT_LOAD),
		Flags:  uint32(elf.PF_R | elf.PF_X),
		Vaddr:  base,
		Paddr:  base,
		Filesz: size,
		Memsz:  size,
		Align:  0x1000,
	}
	for _, part := range []any{header, segment, arch.code} {
		if err := binary.Write(&b, binary.LittleEndian, part); err != nil {
			return nil, fmt.Errorf("making a program: %w", err)
		}
	}
	return b.Bytes(), nil
}
