//go:build linux && (amd64 || arm64)

package offline

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

const stage = "CTXAUDIT_OFFLINE_STAGE"

func TestMain(m *testing.M) {
	switch os.Getenv(stage) {
	case "enter":
		// Threads that are there already are filtered, too.
		running, stop := make(chan bool), make(chan bool)
		for range 8 {
			go func() { running <- true; probe(); <-stop }()
			<-running
		}
		if err := Enter(); err != nil {
			fmt.Println("refused:", err)
			os.Exit(0)
		}
		for range 8 {
			report("own")
		}
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), stage+"=child")
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		if err := cmd.Run(); err != nil {
			fmt.Println(err)
		}
		os.Exit(0)
	case "child":
		report("child")
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// probe tells which families there are sockets of.
func probe() map[string]error {
	out := map[string]error{}
	for name, family := range map[string]int{
		"unix": unix.AF_UNIX, "netlink": unix.AF_NETLINK, "inet": unix.AF_INET, "inet6": unix.AF_INET6, "packet": unix.AF_PACKET, "vsock": unix.AF_VSOCK,
	} {
		kind := unix.SOCK_STREAM
		if family == unix.AF_NETLINK || family == unix.AF_PACKET {
			kind = unix.SOCK_RAW
		}
		fd, err := unix.Socket(family, kind|unix.SOCK_CLOEXEC, 0)
		if err == nil {
			unix.Close(fd)
		}
		out[name] = err
	}
	_, _, errno := unix.Syscall(unix.SYS_IO_URING_SETUP, 1, 0, 0)
	out["io_uring"] = errno
	return out
}

func report(who string) {
	done := make(chan bool)
	go func() {
		for name, err := range probe() {
			fmt.Println(who, name, errors.Is(err, unix.EPERM))
		}
		_, err := net.Dial("tcp", os.Getenv("ADDRESS"))
		fmt.Println(who, "tcp", errors.Is(err, unix.EPERM))
		c, err := net.Dial("unix", os.Getenv("SOCKET"))
		if err == nil {
			c.Close()
		}
		fmt.Println(who, "local", err == nil)
		close(done)
	}()
	<-done
}

func TestEnter(t *testing.T) {
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer tcp.Close()
	go func() {
		if c, err := tcp.Accept(); err == nil {
			c.Close()
			t.Error("somebody connected")
		}
	}()
	socket := filepath.Join(t.TempDir(), "s")
	local, err := net.Listen("unix", socket)
	require.NoError(t, err)
	defer local.Close()

	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), stage+"=enter", "ADDRESS="+tcp.Addr().String(), "SOCKET="+socket)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	if len(out) > 8 && string(out[:8]) == "refused:" {
		t.Skipf("%s", out)
	}
	for _, who := range []string{"own", "child"} {
		for _, denied := range []string{"inet", "inet6", "packet", "vsock", "io_uring", "tcp", "local"} {
			assert.Contains(t, string(out), fmt.Sprintf("%s %s true\n", who, denied))
			assert.NotContains(t, string(out), fmt.Sprintf("%s %s false\n", who, denied))
		}
		assert.NotContains(t, string(out), who+" unix true\n")
		assert.NotContains(t, string(out), who+" netlink true\n")
	}
}
