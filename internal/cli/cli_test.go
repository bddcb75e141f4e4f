package cli

import (
	"encoding/hex"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/ctxaudit/ctxaudit/internal/imagetest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"ctxaudit": func() { os.Exit(traced(Main)) }, pluginProgram: func() { os.Exit(traced(Main)) },
	})
}

// The commands are tested by scripts, one for each behaviour.
func TestScripts(t *testing.T) { runScripts(t, nil) }

// runScripts runs the scripts, with settings of the environment.
func runScripts(t *testing.T, env map[string]string) {
	t.Helper()
	scripts, err := filepath.Glob("testdata/script/*")
	require.NoError(t, err)
	require.NotEmpty(t, scripts)
	for _, s := range scripts {
		require.Equal(t, ".txtar", filepath.Ext(s), "a script that would not be run")
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script", RequireExplicitExec: true, RequireUniqueNames: true,
		UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != "",
		Setup: func(e *testscript.Env) error {
			// No script may lean on the git configuration or the terminal of the machine.
			e.Setenv("GIT_CONFIG_GLOBAL", "/dev/null")
			e.Setenv("GIT_CONFIG_NOSYSTEM", "1")
			e.Setenv("GIT_CEILING_DIRECTORIES", filepath.Dir(e.WorkDir))
			for k, v := range env {
				e.Setenv(k, v)
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"findings": findingsCommand, "json": jsonCommand,
			"fifo": func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Check(unix.Mkfifo(ts.MkAbs(args[0]), 0o644))
			},
			// rawname DIR HEX makes an empty file with a name that txtar cannot hold.
			"rawname": func(ts *testscript.TestScript, _ bool, args []string) {
				var name []byte
				for i := 0; i+1 < len(args[1]); i += 2 {
					name = append(name, unhex(args[1][i])<<4|unhex(args[1][i+1]))
				}
				ts.Check(os.WriteFile(filepath.Join(ts.MkAbs(args[0]), string(name)), nil, 0o644))
			},
			// bytes FILE HEX writes bytes that txtar cannot hold, isbytes FILE HEX compares with them.
			"bytes": func(ts *testscript.TestScript, _ bool, args []string) {
				data, err := hex.DecodeString(args[1])
				ts.Check(err)
				ts.Check(os.WriteFile(ts.MkAbs(args[0]), data, 0o644))
			},
			"isbytes": func(ts *testscript.TestScript, _ bool, args []string) {
				data, err := os.ReadFile(ts.MkAbs(args[0]))
				ts.Check(err)
				if got := hex.EncodeToString(data); got != args[1] {
					ts.Fatalf("%s has %s, want %s", args[0], got, args[1])
				}
			},
			// binary FILE writes every byte there is, many times.
			"binary": func(ts *testscript.TestScript, _ bool, args []string) {
				data := make([]byte, 1<<16)
				for i := range data {
					data[i] = byte(i * 7 >> (i % 3))
				}
				ts.Check(os.WriteFile(ts.MkAbs(args[0]), data, 0o644))
			},
			// image KIND FILE NAME=TEXT... writes images that text files describe, see imagetest.
			"image": imageCommand,
			// registry starts a registry with images, see image, whose address is $REGISTRY.
			"registry": registryCommand,
			// daemon starts what answers as a docker daemon that has images, see image, and tells where with $DOCKER_HOST.
			"daemon": daemonCommand,
			// repeat FILE N TEXT writes a line many times.
			"repeat": func(ts *testscript.TestScript, _ bool, args []string) {
				f, err := os.Create(ts.MkAbs(args[0]))
				ts.Check(err)
				n := 0
				for _, c := range args[1] {
					n = n*10 + int(c-'0')
				}
				for range n {
					_, err = f.WriteString(args[2] + "\n")
					ts.Check(err)
				}
				ts.Check(f.Close())
			},
		},
	})
}

func imageCommand(ts *testscript.TestScript, _ bool, args []string) {
	images := map[string]v1.Image{}
	for _, a := range args[2:] {
		name, file, _ := strings.Cut(a, "=")
		img, err := imagetest.Image(ts.ReadFile(file))
		ts.Check(err)
		images[name] = img
	}
	ts.Check(imagetest.Write(args[0], ts.MkAbs(args[1]), images))
}

func registryCommand(ts *testscript.TestScript, _ bool, args []string) {
	s := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	ts.Defer(s.Close)
	host := strings.TrimPrefix(s.URL, "http://")
	ts.Setenv("REGISTRY", host)
	for _, a := range args {
		ref, file, _ := strings.Cut(a, "=")
		img, err := imagetest.Image(ts.ReadFile(file))
		ts.Check(err)
		tag, err := name.NewTag(host + "/" + ref)
		ts.Check(err)
		ts.Check(remote.Write(tag, img))
	}
}

func daemonCommand(ts *testscript.TestScript, _ bool, args []string) {
	dir, err := os.MkdirTemp("", "docker-") // the path of a socket must be short
	ts.Check(err)
	ts.Defer(func() { os.RemoveAll(dir) })
	saved := map[string]string{}
	for i, a := range args {
		ref, file, _ := strings.Cut(a, "=")
		img, err := imagetest.Image(ts.ReadFile(file))
		ts.Check(err)
		saved[ref] = filepath.Join(dir, fmt.Sprint(i))
		ts.Check(imagetest.Write("saved", saved[ref], map[string]v1.Image{ref: img}))
	}
	l, err := net.Listen("unix", filepath.Join(dir, "sock"))
	ts.Check(err)
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		file := saved[r.URL.Query().Get("names")]
		if r.URL.Path != "/images/get" || file == "" {
			http.Error(w, `{"message":"no such image"}`, http.StatusNotFound)
			return
		}
		http.ServeFile(w, r, file)
	})}
	go func() { _ = s.Serve(l) }()
	ts.Defer(func() { s.Close() })
	ts.Setenv("DOCKER_HOST", "unix://"+l.Addr().String())
}

func unhex(c byte) byte {
	if c >= 'a' {
		return c - 'a' + 10
	}
	return c - '0'
}
