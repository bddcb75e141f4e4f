package conformance

import (
	"bufio"
	"context"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/scripts"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
)

// batch is how many steps are stages of one build: a build for each would cost a second for each.
const batch = 25

// TestSteps builds the steps of testdata/steps.txt for real. A line that begins with = is known to the last entry; what a line with ~
// leaves may be more, or other, than is listed.
func TestSteps(t *testing.T) {
	d := daemon(t)
	f, err := os.Open("testdata/steps.txt")
	require.NoError(t, err)
	defer f.Close()
	var steps []RealStep
	var known []bool
	for lines := bufio.NewScanner(f); lines.Scan(); {
		kind, script, ok := strings.Cut(lines.Text(), " ")
		switch {
		case lines.Text() == "" || strings.HasPrefix(lines.Text(), "#"):
			continue
		case !ok || kind != "=" && kind != "~":
			t.Fatalf("no step: %s", lines.Text())
		}
		s := RealStep{Script: script}
		if user, rest, ok := strings.Cut(script, "| "); ok && strings.Trim(user, "0123456789:") == "" {
			s = RealStep{User: user, Script: rest}
		}
		steps, known = append(steps, s), append(known, kind == "=")
	}
	require.GreaterOrEqual(t, len(steps), 150)
	h := newStepHost(t)
	for first := 0; first < len(steps); first += batch {
		part := steps[first:min(first+batch, len(steps))]
		for i, verdict := range h.judge(t, d, part, true) {
			assert.Empty(t, verdict.wrong, "%v", part[i])
			assert.Equal(t, known[first+i], verdict.exact, "%v: is all of it known?", part[i])
		}
	}
}

// TestRandomSteps builds random scripts for real, as root and as somebody else.
func TestRandomSteps(t *testing.T) {
	d := daemon(t)
	h := newStepHost(t)
	t.Logf("seed %d", *stepsSeed)
	r := scripts.Maker{Busy: true, Rand: rand.New(rand.NewPCG(*stepsSeed, 2))}
	exact, count := 0, min(int(*builds), 200)
	var steps []RealStep
	for tried := 0; len(steps) < count; tried++ {
		require.Less(t, tried, 20*count)
		if s := (RealStep{User: []string{"", "", "1000", "1000:1000"}[r.IntN(4)], Script: r.Script()}); h.succeeds(t, s) {
			steps = append(steps, s)
		}
	}
	for first := 0; first < len(steps); first += batch {
		part := steps[first:min(first+batch, len(steps))]
		for i, verdict := range h.judge(t, d, part, false) {
			assert.Empty(t, verdict.wrong, "%v", part[i])
			if verdict.exact {
				exact++
			}
		}
	}
	t.Logf("%d steps, %d of them are known to the last entry", len(steps), exact)
	assert.Greater(t, exact, len(steps)/3)
}

// stepHost has what steps are built from: busybox, and a directory.
type stepHost struct{ context, bin string }

type verdict struct {
	wrong []string
	exact bool
}

func newStepHost(t *testing.T) stepHost {
	t.Helper()
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		require.NoError(t, run(t.Context(), "", "apt-get", "install", "--yes", "--no-install-recommends", "busybox-static"))
		busybox, err = exec.LookPath("busybox")
		require.NoError(t, err)
	}
	h := stepHost{context: t.TempDir(), bin: t.TempDir()}
	require.NoError(t, os.Chmod(h.bin, 0o755))
	require.NoError(t, os.Mkdir(filepath.Join(h.context, "bin"), 0o755))
	data, err := os.ReadFile(busybox)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(h.context, "bin", "busybox"), data, 0o755))
	list, err := exec.Command(busybox, "--list").Output()
	require.NoError(t, err)
	for _, name := range strings.Fields(string(list)) {
		if name != "busybox" {
			require.NoError(t, os.Symlink("busybox", filepath.Join(h.context, "bin", name)))
			require.NoError(t, os.Symlink(busybox, filepath.Join(h.bin, name)))
		}
	}
	h.files(t, filepath.Join(h.context, "w"))
	return h
}

// files makes what scripts find.
func (h stepHost) files(t *testing.T, dir string) {
	t.Helper()
	for name, content := range scripts.Content {
		require.NoError(t, writeFile(filepath.Join(dir, name), []byte(content)))
	}
	require.NoError(t, os.Chmod(filepath.Join(dir, "b"), 0o600))
}

// succeeds reports whether a script succeeds on this machine: of one that fails there is no image.
func (h stepHost) succeeds(t *testing.T, s RealStep) bool {
	t.Helper()
	dir, err := os.MkdirTemp("", "ctxaudit-step-")
	require.NoError(t, err)
	defer os.RemoveAll(dir)
	require.NoError(t, os.Chmod(dir, 0o755))
	work := filepath.Join(dir, "w")
	h.files(t, work)
	cmd := exec.CommandContext(t.Context(), filepath.Join(h.bin, "sh"), "-c", "ulimit -t 1; ulimit -f 131072; exec sh -c \"$0\"", s.Script) // some never end
	cmd.Dir, cmd.Env = work, []string{"PATH=" + h.bin, "D=d"}
	if s.User != "" {
		gid := uint32(0)
		if strings.Contains(s.User, ":") {
			gid = 1000
		}
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 1000, Gid: gid}}
		require.NoError(t, filepath.WalkDir(work, func(p string, _ os.DirEntry, err error) error { return os.Lchown(p, 1000, 1000) }))
	}
	return cmd.Run() == nil
}

// judge builds steps and says of each what is predicted wrongly. A step that fails where it succeeded before, by chance, is not judged,
// unless it must not fail.
func (h stepHost) judge(t *testing.T, d *Daemon, steps []RealStep, strict bool) []verdict {
	t.Helper()
	steps = append([]RealStep(nil), steps...)
	file := filepath.Join(t.TempDir(), "Dockerfile")
	r := Request{Context: h.context, Dockerfile: file}
	ctx, cancel := context.WithTimeout(t.Context(), 10*buildTimeout)
	defer cancel()
	for range steps {
		require.NoError(t, os.WriteFile(file, []byte(stepsDockerfile(steps)), 0o644))
		built, err := d.Build(ctx, r)
		require.NoError(t, err)
		if built.Failure == nil {
			return h.verdicts(t, r, built.Listing, len(steps))
		}
		lines := strings.Split(stepsDockerfile(steps), "\n")
		failed := strings.TrimPrefix(lines[max(0, built.Failure.Line-1)], "RUN ")
		require.False(t, strict, "%s: %s", failed, built.Failure.Message)
		t.Logf("fails in a build: %s", failed)
		for i := range steps {
			if steps[i].Script == failed {
				steps[i].Script = "true"
			}
		}
	}
	require.Fail(t, "no build succeeds")
	return nil
}

func (h stepHost) verdicts(t *testing.T, r Request, built Listing, count int) []verdict {
	t.Helper()
	image, err := simulate.Build(t.Context(), dockerfile.Options{Context: r.Context, Dockerfile: r.Dockerfile})
	require.NoError(t, err)
	out := make([]verdict, count)
	for i := range out {
		out[i].wrong, out[i].exact, err = Claims(image, built, "/"+strconv.Itoa(i))
		require.NoError(t, err)
	}
	return out
}
