package builds

import (
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/command"
	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// word is a word of a command line, or another text of a source. It has unknownPart for each part that is not known.
type word string

// unknownPart is what a shell's script has for what is not known.
const unknownPart = shell.Hole

func (w word) known() bool { return !strings.Contains(string(w), unknownPart) }

// buildCommand is a `docker build` line.
type buildCommand struct {
	context, file, target word
	args, contexts        map[string]string
	platform, tag         string
	podman                bool
	// problem says why it cannot be followed, "" if it can.
	problem string
}

// The options of docker build, docker buildx build, podman build, buildah build and nerdctl build that take no value. What
// is neither here nor in valued is not understood unless it has its value after "=".
var switches = []string{
	"no-cache", "pull", "push", "load", "quiet", "q", "rm", "force-rm", "compress", "check", "debug", "D", "squash", "squash-all",
	"layers", "disable-content-trust", "all-platforms", "no-hosts", "omit-history", "disable-compression", "tls-verify", "stdin", "pull-always", "pull-never", "identity-label", "rewrite-timestamp", "skip-unused-stages",
}

var valued = []string{
	"add-host", "allow", "annotation", "attest", "build-arg", "build-context", "builder", "cache-from", "cache-to", "call",
	"cgroup-parent", "cpu-period", "cpu-quota", "cpu-shares", "c", "cpuset-cpus", "cpuset-mems", "file", "f", "iidfile", "isolation", "label",
	"memory", "m", "memory-swap", "metadata-file", "network", "no-cache-filter", "output", "o", "platform", "policy", "progress", "provenance",
	"sbom", "secret", "security-opt", "shm-size", "source-policy-file", "ssh", "tag", "t", "target", "ulimit", "format", "jobs", "arch", "os", "variant", "volume", "v",
	"ignorefile", "authfile", "creds", "from", "userns", "runtime", "device", "cap-add", "cap-drop", "env", "logfile", "manifest",
	"timestamp", "source-date-epoch", "sign-by", "cert-dir", "print", "build-arg-file", "dns", "retry", "retry-delay", "unsetenv", "unsetlabel", "namespace", "n", "address", "a",
}

// builders are the programs that build images from Dockerfiles, and the words between them and their options.
var builders = map[string][][]string{
	"docker":  {{"build"}, {"buildx", "build"}, {"buildx", "b"}, {"builder", "build"}, {"image", "build"}},
	"podman":  {{"build"}, {"buildx", "build"}, {"image", "build"}},
	"buildah": {{"build"}, {"bud"}, {"build-using-dockerfile"}},
	"nerdctl": {{"build"}, {"image", "build"}, {"builder", "build"}},
}

// parseCommand understands the words of a program; nil if it builds no image.
func parseCommand(program string, args []word) *buildCommand {
	// Options of the program itself stand before the command.
	rest := words(command.Skip(shell.Words(args, shell.Origin{}), "-H --host --context -c --config -l --log-level --namespace -n --connection"))
	for _, sub := range builders[program] {
		if len(rest) >= len(sub) && slices.EqualFunc(rest[:len(sub)], sub, func(w word, s string) bool { return string(w) == s }) {
			c := &buildCommand{args: map[string]string{}, contexts: map[string]string{}, podman: program == "podman" || program == "buildah"}
			c.parse(rest[len(sub):])
			return c
		}
	}
	return nil
}

func words(list []shell.Word) []word {
	out := make([]word, len(list))
	for i, w := range list {
		out[i] = word(w.Text)
	}
	return out
}

// parse reads options and the context.
func (c *buildCommand) parse(words []word) {
	var operands []word
	for i := 0; i < len(words); i++ {
		w := string(words[i])
		switch {
		case w == "--":
			operands = append(operands, words[i+1:]...)
			i = len(words)
		case strings.HasPrefix(w, "--"):
			name, value, has := strings.Cut(w[2:], "=")
			switch {
			case has:
				c.option(name, value)
			case slices.Contains(valued, name):
				if i++; i < len(words) {
					c.option(name, string(words[i]))
				}
			case slices.Contains(switches, name):
			case w == unknownPart || !words[i].known():
				c.problem = "it has options that are not known here"
			default:
				c.problem = "the option " + w + " is not known"
			}
		case len(w) > 1 && w[0] == '-':
			i = c.short(words, i)
		case w == unknownPart:
			// One variable that may hold options, or nothing, or the context.
			operands = append(operands, words[i])
		case w != "":
			operands = append(operands, words[i])
		}
	}
	// A variable among several operands may well be options.
	if len(operands) > 1 {
		certain := slices.DeleteFunc(slices.Clone(operands), func(w word) bool { return w == unknownPart })
		if len(certain) == 1 && operands[len(operands)-1] == certain[0] {
			operands = certain
		}
	}
	switch {
	case c.problem != "":
	case len(operands) == 1:
		c.context = operands[0]
	case len(operands) == 0 && c.podman:
		c.context = "."
	case len(operands) == 0:
		c.problem = "it names no context"
	default:
		c.problem = "its words are not known here"
	}
}

// short reads a word of one-letter options and gives the index of the last word that it took.
func (c *buildCommand) short(words []word, i int) int {
	w := string(words[i])
	for at := 1; at < len(w); at++ {
		name := w[at : at+1]
		switch {
		case slices.Contains(valued, name):
			value := strings.TrimPrefix(w[at+1:], "=")
			if at+1 == len(w) {
				if i++; i >= len(words) {
					return i
				}
				value = string(words[i])
			}
			c.option(name, value)
			return i
		case !slices.Contains(switches, name):
			c.problem = "the option " + strings.ReplaceAll(w, unknownPart, "…") + " is not known"
			return i
		}
	}
	return i
}

func (c *buildCommand) option(name, value string) {
	switch name {
	case "file", "f":
		c.file = word(value)
	case "target":
		c.target = word(value)
	case "build-arg":
		// Without a value it comes from the environment.
		if k, v, ok := strings.Cut(value, "="); ok && word(value).known() {
			c.args[k] = v
		}
	case "build-context":
		if k, v, ok := strings.Cut(value, "="); ok && word(k).known() {
			c.contexts[k] = v
		}
	case "platform":
		c.platform = platform(strings.Split(value, ","))
	case "tag", "t":
		if c.tag == "" {
			c.tag = value
		}
	case "ignorefile":
		c.problem = "it names another ignore file"
	}
}

// build gives the image that a command makes when it runs in a directory, or says why that is not known. exists reports
// whether there is a file.
func (c *buildCommand) build(exists func(string) bool, cwd word) (b Build, problem string) {
	b = Build{Name: imageName(c.tag), Platform: c.platform, Args: c.args, Contexts: map[string]string{}}
	if c.problem != "" {
		return b, c.problem
	}
	for what, w := range map[string]word{"build context": c.context, "Dockerfile": c.file, "target": c.target} {
		if !w.known() {
			return b, "its " + what + " is not known here"
		}
	}
	b.Target = string(c.target)
	local := func(w string) (string, bool) {
		if remotePath(w) || path.IsAbs(w) {
			return w, true
		}
		if !cwd.known() {
			return "", false
		}
		return path.Join(string(cwd), w), true
	}
	var ok bool
	if b.Context, ok = local(string(c.context)); !ok {
		return b, "the directory in which it runs is not known here"
	}
	for k, v := range c.contexts {
		if !word(v).known() {
			return b, "its build context " + k + " is not known here"
		}
		if b.Contexts[k], ok = local(v); !ok {
			return b, "the directory in which it runs is not known here"
		}
	}
	switch {
	case c.file != "":
		if b.Dockerfile, ok = local(string(c.file)); !ok {
			return b, "the directory in which it runs is not known here"
		}
		if inside := path.Join(b.Context, string(c.file)); c.podman && !exists(b.Dockerfile) && exists(inside) {
			b.Dockerfile = inside
		}
	case c.podman && exists(path.Join(b.Context, "Containerfile")):
		b.Dockerfile = path.Join(b.Context, "Containerfile")
	}
	return b, ""
}

// imageName gives the name of an image without registry and tag; "" if it is not known.
func imageName(tag string) string {
	name := path.Base(tag)
	name, _, _ = strings.Cut(name, "@")
	name, _, _ = strings.Cut(name, ":")
	if tag == "" || !word(name).known() || name == "." || name == "/" {
		return ""
	}
	return name
}
