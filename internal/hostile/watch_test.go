package hostile

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"
)

// What a small input may cost at most. The time is that of processors, so that a busy machine fails no test; a run that
// waits for something is ended after twice as long on the clock, and four times as long under strace.
const (
	maxMemory = 512 << 20
	maxTime   = 10 * time.Second
)

// bound runs a command that must not need more than a small input may cost.
func bound() { os.Exit(watch(os.Args[1:], 2*maxTime)) }

// trace runs a command of which strace tells what it does.
func trace() {
	log, err := os.CreateTemp("", "trace-")
	if err != nil {
		fail("%v", err)
	}
	log.Close()
	defer os.Remove(log.Name())
	// Not with --seccomp-bpf: what the program's own filter refuses (internal/offline), a filter of strace's does not see.
	args := append([]string{"strace", "-f", "-qq", "-y", "-s", "4096", "-e", "signal=none", "-e", "trace=%file,socket,connect,sendto,bind", "-o", log.Name()}, os.Args[1:]...)
	code := watch(args, 4*maxTime)
	for _, fault := range faults(log.Name()) {
		fmt.Fprintln(os.Stderr, "traced:", fault)
		code = broken
	}
	os.Exit(code)
}

// broken is the exit code for a promise that was not kept; ctxaudit has no such code.
const broken = 99

func fail(format string, args ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
	os.Exit(broken)
}

// watch runs a command and gives its exit code.
func watch(args []string, clock time.Duration) int {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		fail("starting %s: %v", args[0], err)
	}
	timer := time.AfterFunc(clock, func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGQUIT) // a Go program says where it was
		time.Sleep(time.Second)
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	})
	err := cmd.Wait()
	if !timer.Stop() {
		fail("it was ended after %v", clock)
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		fail("%v", err)
	}
	state := cmd.ProcessState
	if !state.Exited() {
		fail("it ended with %v", state)
	}
	usage := state.SysUsage().(*syscall.Rusage)
	if peak := usage.Maxrss << 10; peak > maxMemory {
		fail("it needed %d MB of memory", peak>>20)
	}
	if spent := state.SystemTime() + state.UserTime(); spent > maxTime {
		fail("it needed %v of processor time", spent)
	}
	return state.ExitCode()
}

var (
	started  = regexp.MustCompile(`exec(?:ve|veat)\([^"]*"([^"]*)"`)
	network  = regexp.MustCompile(`(?:socket\(AF_INET|socket\(AF_PACKET|sa_family=AF_INET)`)
	writes   = regexp.MustCompile(`O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_APPEND`)
	changes  = regexp.MustCompile(`^(?:rename|renameat|renameat2|unlink|unlinkat|mkdir|mkdirat|rmdir|link|linkat|symlink|symlinkat|chmod|fchmodat|chown|lchown|fchownat|truncate|creat|mknod|mknodat|utimensat)\(`)
	quoted   = regexp.MustCompile(`"((?:[^"\\]|\\.)*)"`)
	resolved = regexp.MustCompile(`<(/[^>]*)>`)
)

// faults reads what strace wrote.
func faults(name string) (out []string) {
	f, err := os.Open(name)
	if err != nil {
		return []string{err.Error()}
	}
	defer f.Close()
	work := os.Getenv("WORK")
	outside := filepath.Join(work, "outside")
	lines := 0
	in := bufio.NewScanner(f)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		lines++
		_, call, _ := strings.Cut(in.Text(), " ")
		call = strings.TrimLeft(call, " ")
		if m := started.FindStringSubmatch(call); m != nil && !strings.Contains(call, " = -1 ") {
			if base := filepath.Base(m[1]); base != "git" && base != "ctxaudit" || strings.HasPrefix(m[1], filepath.Join(work, "repo")) {
				out = append(out, "it started "+m[1])
			}
		}
		if network.MatchString(call) {
			out = append(out, "it used a network: "+call)
		}
		if strings.Contains(call, outside+"/") || strings.Contains(call, `"`+outside+`"`) {
			// To find out where a link leads is to ask about it; to open it is not.
			if !strings.HasPrefix(call, "readlink") && !strings.Contains(call, "stat") && !strings.HasPrefix(call, "access") && !strings.HasPrefix(call, "execve(") {
				out = append(out, "it touched what lies outside: "+call)
			}
		}
		if !strings.Contains(call, " = -1 ") && (strings.HasPrefix(call, "open") && writes.MatchString(call) || changes.MatchString(call)) && !mayWrite(call, work) {
			out = append(out, "it wrote: "+call)
		}
	}
	if err := in.Err(); err != nil {
		out = append(out, err.Error())
	}
	if lines == 0 {
		out = append(out, "strace wrote nothing")
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// mayWrite reports whether a call changes only what a run may: the repository that it is asked to repair, its own temporary
// files, what the person named in the directory "named", and the null device.
func mayWrite(call, work string) bool {
	places := []string{filepath.Join(work, "repo"), filepath.Join(work, "named"), os.TempDir(), "/dev/null", "/dev/tty"}
	var paths []string
	dir := ""
	if m := resolved.FindStringSubmatch(call); m != nil {
		dir = m[1]
	}
	for _, m := range quoted.FindAllStringSubmatch(call, -1) {
		p := m[1]
		if !filepath.IsAbs(p) {
			p = filepath.Join(dir, p)
		}
		paths = append(paths, filepath.Clean(p))
	}
	for _, p := range paths {
		if !slices.ContainsFunc(places, func(place string) bool {
			// The kernel says where links lead.
			return p == place || strings.HasPrefix(p, place+"/")
		}) {
			return false
		}
	}
	return len(paths) > 0
}
