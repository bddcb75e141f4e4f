package tools

import (
	"bytes"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"

	"github.com/ctxaudit/ctxaudit/internal/command"
	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// A file of testdata is a repository, with a section "cases". A line of that is
//
//	COMMAND ;; FILES that are taken away ;; FILES that it misses
//
// and a command that misses nothing succeeds. The command is run in the directory that stands before it in brackets, if there is one.
// With "~ reason" at its end, the tool itself is known to answer in another way, or is not asked. A first line "with: NAME..." names the
// releases of a tool that are asked: directories of CTXAUDIT_TOOLS, as npm install --prefix makes them; "with: system" means those of
// the system, whatever else is on the path.

// testCase is a line of a section "cases".
type testCase struct {
	dir, command, differs string
	without, misses       []string
	releases              []string
	unsaid                *int // counts what the tool misses and we do not say; nil: that is a fault
}

func casesOf(t *testing.T, file string) (cases []testCase, files []txtar.File) {
	archive, err := txtar.ParseFile(file)
	require.NoError(t, err)
	var releases []string
	if first, _, _ := strings.Cut(string(archive.Comment), "\n"); strings.HasPrefix(first, "with: ") {
		releases = strings.Fields(first)[1:]
	}
	for _, f := range archive.Files {
		if f.Name != "cases" {
			files = append(files, f)
			continue
		}
		for line := range strings.Lines(string(f.Data)) {
			line = strings.TrimSpace(line)
			if line == "" || strings.HasPrefix(line, "#") {
				continue
			}
			line, differs, _ := strings.Cut(line, " ~ ")
			parts := append(strings.Split(line, ";;"), "", "")
			c := testCase{command: strings.TrimSpace(parts[0]), without: strings.Fields(parts[1]), misses: strings.Fields(parts[2]), differs: differs, releases: releases}
			if dir, rest, ok := strings.Cut(c.command, "] "); ok && strings.HasPrefix(dir, "[") {
				c.dir, c.command = dir[1:], rest
			}
			cases = append(cases, c)
		}
	}
	return cases, files
}

// left gives what is there of some files once others, or directories, are taken away.
func left(files []txtar.File, without []string) (out []txtar.File) {
	for _, f := range files {
		if !slices.ContainsFunc(without, func(gone string) bool { return f.Name == gone || strings.HasPrefix(f.Name, gone+"/") }) {
			out = append(out, f)
		}
	}
	return out
}

// memory is a tree below /app.
type memory struct{ fstest.MapFS }

func inMemory(files []txtar.File) memory {
	m := memory{fstest.MapFS{}}
	for _, f := range files {
		m.MapFS[f.Name] = &fstest.MapFile{Data: f.Data, Mode: modeOf(f)}
	}
	return m
}

// modeOf gives the mode of a file of testdata: one that is called plain is none to run.
func modeOf(f txtar.File) fs.FileMode {
	if strings.HasPrefix(path.Base(f.Name), "plain") {
		return 0o644
	}
	return 0o755
}

func (m memory) name(p string) string {
	if p == "/app" {
		return "."
	}
	return strings.TrimPrefix(p, "/app/")
}

func (m memory) Stat(p string) shell.FileKind {
	switch {
	case p == "/":
		return shell.Directory
	case strings.HasPrefix(p, "/bin/") || strings.HasPrefix(p, "/usr/"):
		return shell.Unknown
	}
	switch fi, err := fs.Stat(m.MapFS, m.name(p)); {
	case err != nil:
		return shell.Absent
	case fi.IsDir():
		return shell.Directory
	}
	return shell.Regular
}

func (m memory) Read(p string) ([]byte, error)    { return fs.ReadFile(m.MapFS, m.name(p)) }
func (m memory) Content(p string) ([]byte, error) { return m.Read(p) }
func (m memory) List(dir string) ([]fs.DirEntry, error) {
	if m.Stat(dir) == shell.Regular {
		return nil, syscall.ENOTDIR
	}
	return fs.ReadDir(m.MapFS, m.name(dir))
}

// misses gives what the programs of a command surely miss of what the whole repository has, in the manner of a step: scripts that they start
// are followed.
func misses(c testCase, files, whole Files) []string {
	var out []string
	r := command.NewRunner(files)
	r.Fixed, r.Substitutions = true, true
	r.Program = func(c *command.Call) {
		call := *c
		call.S = c.S.Clone()
		for _, m := range Refused(&call, files) {
			if c.S.Sure() && c.S.Needed() {
				out = append(out, strings.TrimPrefix(m.Path, "/app/"))
			}
		}
		if r.Execute(c) {
			return
		}
		reading := Read(&call, files)
		for _, m := range reading.Missing {
			if m.Doubt != "" || !c.S.Sure() || !c.S.Needed() {
				continue
			}
			at := m.Path
			switch {
			case m.Find != nil && m.What == "what is imported":
				if at = m.Find(whole, m.Root); at == "" {
					continue // nobody has it
				}
			case m.Find != nil:
				at = path.Join(m.Root, m.What[strings.LastIndexByte(m.What, ' ')+1:])
			}
			out = append(out, strings.TrimPrefix(at, "/app/"))
		}
		for _, s := range reading.Scripts {
			from := c.S.Clone()
			from.Dir = s.Dir
			r.Text(from, s.Text, nil)
		}
		if len(reading.Scripts) > 0 {
			r.Unclear()
		}
	}
	r.Unread = func(s *shell.State, file shell.Word) {
		if s.Sure() && s.Needed() {
			out = append(out, strings.TrimPrefix(s.Abs(file.Text), "/app/"))
		}
	}
	r.Wrapper = func(c *command.Call) {
		for _, m := range Read(c, files).Missing {
			if m.Doubt == "" && c.S.Sure() && c.S.Needed() {
				out = append(out, strings.TrimPrefix(m.Path, "/app/"))
			}
		}
	}
	r.Script = func(c *command.Call, file string) bool {
		for _, m := range Shell(c, file, files) {
			if m.Doubt == "" && c.S.Sure() && c.S.Needed() {
				out = append(out, strings.TrimPrefix(m.Path, "/app/"))
			}
		}
		return true
	}
	s := shell.NewState(path.Join("/app", c.dir), nil)
	r.Command(s, shell.Words([]string{"/bin/sh", "-c", c.command}, shell.Origin{}), true)
	slices.Sort(out)
	return slices.Compact(out)
}

func TestCases(t *testing.T) {
	forEachCase(t, func(t *testing.T, c testCase, files, all []txtar.File) {
		want := slices.Clone(c.misses)
		slices.Sort(want)
		got := misses(c, inMemory(files), inMemory(all))
		if len(got) == 0 {
			got = nil
		}
		if len(want) == 0 {
			want = nil
		}
		assert.Equal(t, want, got)
	})
}

// TestRealTools asks the tools themselves: what misses something fails, and everything else succeeds.
func TestRealTools(t *testing.T) {
	if os.Getenv("CTXAUDIT_TOOLS") == "" {
		t.Skip("set CTXAUDIT_TOOLS to a directory with the tools to ask them")
	}
	forEachCase(t, func(t *testing.T, c testCase, files, all []txtar.File) {
		if c.differs != "" {
			t.Skip(c.differs)
		}
		askReleases(t, c, files)
	})
}

var (
	seed  = flag.Uint64("seed", 1, "what is taken away in TestTakenAway")
	takes = flag.Int("takes", 40, "how many files TestTakenAway takes away")
)

// TestTakenAway takes files away from the repositories of testdata, one by one and at random, and asks the tools whether the commands
// that work there still do. What we say is missing must be; what is not known is left unsaid, and is not more than a tenth.
func TestTakenAway(t *testing.T) {
	if os.Getenv("CTXAUDIT_TOOLS") == "" {
		t.Skip("set CTXAUDIT_TOOLS to a directory with the tools to ask them")
	}
	type take struct {
		name  string
		c     testCase
		files []txtar.File
	}
	var all []take
	archives, err := filepath.Glob("testdata/*.txtar")
	require.NoError(t, err)
	for _, file := range archives {
		cases, files := casesOf(t, file)
		for _, c := range cases {
			if c.differs != "" || len(c.without)+len(c.misses) > 0 || !available(c) {
				continue
			}
			for _, f := range files {
				c := c
				c.without = []string{f.Name}
				if dir := path.Dir(f.Name); dir != "." && len(all)%3 == 0 {
					c.without = []string{dir}
				}
				if !strings.HasPrefix(c.dir+"/", c.without[0]+"/") {
					all = append(all, take{filepath.Base(file), c, files})
				}
			}
		}
	}
	r := rand.New(rand.NewPCG(*seed, 0))
	r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	t.Logf("seed %d, %d of %d", *seed, min(*takes, len(all)), len(all))
	unsaid := 0
	for _, x := range all[:min(*takes, len(all))] {
		t.Run(strings.ReplaceAll(fmt.Sprintf("%s %s without %s", x.name, x.c.command, x.c.without[0]), "/", "_"), func(t *testing.T) {
			files := left(x.files, x.c.without)
			x.c.misses, x.c.unsaid = misses(x.c, inMemory(files), inMemory(x.files)), &unsaid
			askReleases(t, x.c, files)
		})
	}
	assert.LessOrEqual(t, unsaid*10, *takes, "left unsaid")
}

// available reports whether the tool of a case is there, in a version that the case is written for.
func available(c testCase) bool {
	program, _, _ := strings.Cut(c.command, " ")
	switch {
	case program == "cargo":
	case slices.Contains([]string{"alembic", "bundle", "buf", "cmake", "composer", "dotnet", "gradle", "mvn", "pipenv", "poetry", "protoc"}, program):
		_, err := exec.LookPath(program)
		return err == nil
	default: // must be there
		return true
	}
	out, err := exec.Command("cargo", "--version").Output()
	var minor int
	_, scan := fmt.Sscanf(string(out), "cargo 1.%d", &minor)
	return err == nil && scan == nil && minor >= 64 // the first that lets packages inherit from their workspace
}

// askReleases asks all releases of the tool.
func askReleases(t *testing.T, c testCase, files []txtar.File) {
	if !available(c) {
		t.Skip("the tool is not there, or too old")
	}
	if len(c.releases) == 0 {
		askTool(t, c, files, os.Getenv("PATH"))
	}
	for _, release := range c.releases {
		t.Run(release, func(t *testing.T) {
			if release == "system" {
				askTool(t, c, files, "/usr/bin:"+os.Getenv("PATH"))
				return
			}
			bin := filepath.Join(os.Getenv("CTXAUDIT_TOOLS"), release, "node_modules", ".bin")
			require.DirExists(t, bin)
			askTool(t, c, files, bin+":"+os.Getenv("PATH"))
		})
	}
}

// askTool runs a command where its files are, and compares whether it fails.
func askTool(t *testing.T, c testCase, files []txtar.File, path string) {
	root := t.TempDir()
	for _, f := range files {
		name := filepath.Join(root, filepath.FromSlash(f.Name))
		require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
		require.NoError(t, os.WriteFile(name, f.Data, modeOf(f)))
	}
	cmd := exec.Command("/bin/sh", "-c", c.command)
	cmd.Dir = filepath.Join(root, c.dir)
	outer := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "CI=") })
	cmd.Env = append(outer, "PATH="+path, "GOFLAGS=", "GOPROXY=off", "GOTOOLCHAIN=local", "npm_config_audit=false", "npm_config_fund=false", "npm_config_offline=true",
		"YARN_ENABLE_TELEMETRY=0", "YARN_ENABLE_IMMUTABLE_INSTALLS=false", "PIP_NO_INDEX=1", "PIP_NO_BUILD_ISOLATION=0", "PIP_BREAK_SYSTEM_PACKAGES=1", "PIP_TARGET="+t.TempDir(),
		"CARGO_NET_OFFLINE=true", "POETRY_VIRTUALENVS_CREATE=false", "PIP_DISABLE_PIP_VERSION_CHECK=1", "PYTHONDONTWRITEBYTECODE=1", "COREPACK_ENABLE_STRICT=0")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	switch err := cmd.Run(); {
	case (err != nil) == (len(c.misses) > 0):
	case err != nil && c.unsaid != nil:
		*c.unsaid++
		t.Logf("unsaid: %v\n%s", err, out.String())
	default:
		t.Errorf("it misses %q, and: %v\n%s", c.misses, err, out.String())
	}
}

// forEachCase runs something on each case of testdata.
func forEachCase(t *testing.T, run func(t *testing.T, c testCase, files, all []txtar.File)) {
	archives, err := filepath.Glob("testdata/*.txtar")
	require.NoError(t, err)
	require.NotEmpty(t, archives)
	for _, file := range archives {
		cases, files := casesOf(t, file)
		for i, c := range cases {
			name := fmt.Sprintf("%s/%02d %s %s", strings.TrimSuffix(filepath.Base(file), ".txtar"), i+1, c.command, strings.Join(c.without, " "))
			t.Run(strings.ReplaceAll(name, "/", "_"), func(t *testing.T) { run(t, c, left(files, c.without), files) })
		}
	}
}
