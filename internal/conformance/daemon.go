package conformance

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/moby/buildkit/client"
)

// readyTimeout is how long a daemon may take until it answers. It answers
// after a fraction of a second, on a busy machine after some.
const readyTimeout = 30 * time.Second

// A Daemon is a running buildkitd with a state directory of its own, of which
// nothing is left when it has been closed.
type Daemon struct {
	client *client.Client
	cmd    *exec.Cmd
	dir    string
	output *syncBuffer
	exited chan struct{}
}

// StartDaemon starts buildkitd, whose binary is given, and waits until it
// answers.
func StartDaemon(ctx context.Context, binary string) (*Daemon, error) {
	dir, err := os.MkdirTemp("", "ctxaudit-buildkitd-")
	if err != nil {
		return nil, fmt.Errorf("making the daemon's directory: %w", err)
	}
	config := filepath.Join(dir, "buildkitd.toml")
	if err := os.WriteFile(config, nil, 0o600); err != nil {
		os.RemoveAll(dir)
		return nil, fmt.Errorf("writing the daemon's configuration: %w", err)
	}
	d := &Daemon{dir: dir, output: &syncBuffer{}, exited: make(chan struct{})}
	address := d.Address()
	// The empty configuration keeps out the one in /etc. Host networking
	// needs no CNI plug-ins; no case uses the network.
	d.cmd = exec.Command(binary,
		"--config", config,
		"--root", filepath.Join(dir, "root"),
		"--addr", address,
		"--containerd-worker=false",
		"--oci-worker=true",
		"--oci-worker-snapshotter=auto",
		"--oci-worker-net=host",
		"--oci-worker-gc=false",
	)
	d.cmd.Stdout, d.cmd.Stderr = d.output, d.output
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := d.cmd.Start(); err != nil {
		os.RemoveAll(dir)
		return nil, fmt.Errorf("starting buildkitd: %w", err)
	}
	go func() {
		d.cmd.Wait() // the exit status says nothing that the output does not
		close(d.exited)
	}()
	if err := d.connect(ctx, address); err != nil {
		return nil, errors.Join(err, d.Close(), fmt.Errorf("buildkitd wrote:\n%s", d.output))
	}
	return d, nil
}

// connect waits for the daemon's worker, because the socket answers before.
func (d *Daemon) connect(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	c, err := client.New(ctx, address)
	if err != nil {
		return fmt.Errorf("connecting to buildkitd: %w", err)
	}
	d.client = c
	for {
		workers, err := c.ListWorkers(ctx)
		if err == nil && len(workers) > 0 {
			return nil
		}
		select {
		case <-d.exited:
			return errors.New("waiting for buildkitd: it has exited")
		case <-ctx.Done():
			return fmt.Errorf("waiting for buildkitd: %w", errors.Join(ctx.Err(), err))
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Address is where the daemon listens, as clients are told it.
func (d *Daemon) Address() string { return "unix://" + filepath.Join(d.dir, "sock") }

// Close stops the daemon and removes what it stored.
func (d *Daemon) Close() error {
	if d.client != nil {
		d.client.Close()
	}
	d.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-d.exited:
	case <-time.After(10 * time.Second):
		d.cmd.Process.Kill()
		<-d.exited
	}
	if err := os.RemoveAll(d.dir); err != nil {
		return fmt.Errorf("removing the daemon's directory: %w", err)
	}
	return nil
}

// syncBuffer is a buffer that a process may write while somebody reads it.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
