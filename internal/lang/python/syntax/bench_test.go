package syntax

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkScan reads the standard library of the machine's Python, or without one a text of our own.
func BenchmarkScan(b *testing.B) {
	var sources [][]byte
	size := 0
	if out, err := exec.Command("python3", "-c", "import os; print(os.path.dirname(os.__file__))").Output(); err == nil {
		names, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(out)), "*.py"))
		require.NoError(b, err)
		for _, name := range names {
			src, err := os.ReadFile(name)
			require.NoError(b, err)
			sources = append(sources, src)
			size += len(src)
		}
	}
	if size == 0 {
		src := []byte(strings.Repeat("import a.b\nx = f'{y}' + g(1, [2, 'three'])\n\ndef f(x):\n    return x.y(z)\n", 1000))
		sources, size = [][]byte{src}, len(src)
	}
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		for _, src := range sources {
			Scan(src, nil)
		}
	}
}
