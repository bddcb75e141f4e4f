// Command packages puts a built binary into packages of npm and Python, so that npx, uvx and pre-commit need no compiler:
//
//	packages -o dist -version 1.2.3                                             the npm package that people install
//	packages -o dist -version 1.2.3 -os linux -arch amd64 dist/.../ctxaudit     an npm package and a wheel of one platform
//
// No package runs anything when it is installed, and none downloads. The same binary, version and SOURCE_DATE_EPOCH give the
// same bytes.
package main

import (
	_ "embed"
	"flag"
	"fmt"
	"os"
	"strconv"
	"time"
)

const (
	summary  = "Checks, before anything is built, whether a Docker image will have what its program needs"
	homepage = "https://github.com/ctxaudit/ctxaudit"
	licence  = "Apache-2.0"
)

// platform is one that there are binaries for, by the names that Go, npm and Python have for it.
type platform struct {
	goos, goarch, os, cpu, tag string
}

// The binaries are static, so one wheel does for every libc. Go 1.26 needs macOS 12.
var platforms = []platform{
	{"linux", "amd64", "linux", "x64", "manylinux_2_17_x86_64.manylinux2014_x86_64.musllinux_1_1_x86_64"},
	{"linux", "arm64", "linux", "arm64", "manylinux_2_17_aarch64.manylinux2014_aarch64.musllinux_1_1_aarch64"},
	{"darwin", "amd64", "darwin", "x64", "macosx_12_0_x86_64"},
	{"darwin", "arm64", "darwin", "arm64", "macosx_12_0_arm64"},
	{"windows", "amd64", "win32", "x64", "win_amd64"},
	{"windows", "arm64", "win32", "arm64", "win_arm64"},
}

// program is the name of the binary on the platform.
func (p platform) program() string {
	if p.goos == "windows" {
		return "ctxaudit.exe"
	}
	return "ctxaudit"
}

// file is one of a package.
type file struct {
	name string
	mode os.FileMode
	data []byte
}

// release is what all packages of a release have in common.
type release struct {
	version string
	date    time.Time
}

// readme is what npm and PyPI show of a package.
//
//go:embed README.md
var readme []byte

func main() {
	out := flag.String("o", "dist", "directory to write to")
	version := flag.String("version", "", "version, as in 1.2.3 or 1.2.3-rc.1")
	goos := flag.String("os", "", "GOOS of the binary")
	goarch := flag.String("arch", "", "GOARCH of the binary")
	flag.Parse()
	if err := run(*out, *version, *goos, *goarch, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "packages:", err)
		os.Exit(1)
	}
}

func run(out, version, goos, goarch string, args []string) error {
	r, err := newRelease(version, os.Getenv("SOURCE_DATE_EPOCH"))
	if err != nil {
		return err
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	if len(args) == 0 {
		return r.npmMain(out)
	}
	for _, p := range platforms {
		if p.goos != goos || p.goarch != goarch {
			continue
		}
		binary, err := os.ReadFile(args[0])
		if err != nil {
			return err
		}
		if err := r.npmPlatform(out, p, binary); err != nil {
			return fmt.Errorf("writing npm package: %w", err)
		}
		if err := r.wheel(out, p, binary); err != nil {
			return fmt.Errorf("writing wheel: %w", err)
		}
		return nil
	}
	return fmt.Errorf("there are no packages for %s/%s", goos, goarch)
}

func newRelease(version, epoch string) (*release, error) {
	if _, err := pythonVersion(version); err != nil {
		return nil, err
	}
	// Zip files know no earlier date.
	date := time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)
	if epoch != "" {
		seconds, err := strconv.ParseInt(epoch, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("SOURCE_DATE_EPOCH: %w", err)
		}
		date = time.Unix(seconds, 0).UTC()
	}
	return &release{version: version, date: date}, nil
}
