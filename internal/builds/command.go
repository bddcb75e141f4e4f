package builds

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/command"
	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// word is a text of a source. It has unknownPart for each part that is not known.
type word string

// unknownPart is what a shell's script has for what is not known.
const unknownPart = shell.Hole

func (w word) known() bool { return !strings.Contains(string(w), unknownPart) }

// buildCommand is a `docker build` line, or what says the same.
type buildCommand struct {
	context, file, target word
	args, contexts        map[string]string
	platform, tag         string
	tags                  []string
	// beside tells that a Dockerfile which is not where the command runs may lie in the context; surely, that it is there or nowhere.
	beside, surely bool
	// containerfile tells that the context may have it under the name of Containerfile.
	containerfile bool
	// problem says why it cannot be followed, "" if it can.
	problem string
}

// The options of docker build, docker buildx build, podman build, buildah build and nerdctl build. What is in neither list is not
// understood unless it has its value after "=".
const (
	buildSwitches = "--no-cache --pull --push --load --quiet -q --rm --force-rm --compress --check --debug -D --squash --squash-all " +
		"--layers --disable-content-trust --all-platforms --no-hosts --omit-history --disable-compression --tls-verify --stdin --pull-always " +
		"--pull-never --identity-label --rewrite-timestamp --skip-unused-stages"
	buildValued = "--add-host --allow --annotation --attest --build-arg --build-context --builder --cache-from --cache-to --call " +
		"--cgroup-parent --cpu-period --cpu-quota --cpu-shares -c --cpuset-cpus --cpuset-mems --file -f --iidfile --isolation --label " +
		"--memory -m --memory-swap --metadata-file --network --no-cache-filter --output -o --platform --policy --progress --provenance " +
		"--sbom --secret --security-opt --shm-size --source-policy-file --ssh --tag -t --target --ulimit --format --jobs --arch --os " +
		"--variant --volume -v --ignorefile --authfile --creds --from --userns --runtime --device --cap-add --cap-drop --env --logfile " +
		"--manifest --timestamp --source-date-epoch --sign-by --cert-dir --print --build-arg-file --dns --retry --retry-delay --unsetenv " +
		"--unsetlabel --namespace -n --address -a"
)

// builders are the programs that build images from Dockerfiles, and the words between them and their options.
var builders = map[string][][]string{
	"docker":  {{"build"}, {"buildx", "build"}, {"buildx", "b"}, {"builder", "build"}, {"image", "build"}},
	"podman":  {{"build"}, {"buildx", "build"}, {"image", "build"}},
	"buildah": {{"build"}, {"bud"}, {"build-using-dockerfile"}},
	"nerdctl": {{"build"}, {"image", "build"}, {"builder", "build"}},
}

// parseCommand understands the words of a program; nil if it builds no image.
func parseCommand(program string, args []shell.Word) *buildCommand {
	// Options of the program itself stand before the command.
	rest := command.Skip(args, "-H --host --context -c --config -l --log-level --namespace -n --connection")
	for _, sub := range builders[program] {
		if len(rest) >= len(sub) && slices.Equal(shell.Texts(rest[:len(sub)]), sub) {
			return parseBuild(rest[len(sub):], program == "podman" || program == "buildah")
		}
	}
	return nil
}

// parseBuild reads options and the context.
func parseBuild(words []shell.Word, podman bool) *buildCommand {
	o := command.ParseLetters(words, buildValued, buildSwitches)
	c := newCommand(o, "--file", "-f", "--target", "--tag", "-t", "--platform")
	c.beside, c.containerfile = podman, podman
	for _, kv := range o.All("--build-context") {
		if k, v, ok := strings.Cut(kv.Text, "="); ok && word(k).known() {
			c.contexts[k] = v
		}
	}
	known := strings.Fields(buildValued + " " + buildSwitches)
	for _, name := range sortedKeys(o.Given) {
		switch value, _ := o.Last(name); {
		case name == "--ignorefile":
			c.problem = "it names another ignore file"
		case slices.Contains(known, name) || value.Text != "":
		case strings.HasPrefix(name, "--") && !word(name).known():
			c.problem = "it has options that are not known here"
		default:
			c.problem = "the option " + strings.ReplaceAll(name, unknownPart, "…") + " is not known"
		}
	}
	// One variable may hold options, or nothing, or the context: among several operands it may well be options.
	operands := slices.DeleteFunc(o.Operands, func(w shell.Word) bool { return w.Text == "" })
	if n := len(operands); n > 1 {
		certain := slices.DeleteFunc(slices.Clone(operands), func(w shell.Word) bool { return w.Text == unknownPart })
		if len(certain) == 1 && operands[n-1] == certain[0] {
			operands = certain
		}
	}
	switch {
	case c.problem != "":
	case len(operands) == 1:
		c.context = word(operands[0].Text)
	case len(operands) == 0 && podman:
		c.context = "."
	case len(operands) == 0:
		c.problem = "it names no context"
	default:
		c.problem = "its words are not known here"
	}
	return c
}

// kaniko reads the options of kaniko's executor. The build lies in a directory, from which it takes a context that is not named.
func kaniko(words []shell.Word, dir string) *buildCommand {
	o := command.Parse(words, "--dockerfile -f --context -c --context-sub-path --target --destination -d --build-arg --customPlatform --custom-platform")
	c := newCommand(o, "--dockerfile", "-f", "--target", "--destination", "-d", "--customPlatform", "--custom-platform")
	c.file, c.context, c.beside, c.surely = cmp.Or(c.file, "Dockerfile"), word(dir), true, true
	if w, ok := o.Last("--context", "-c"); ok {
		c.context = word(strings.TrimPrefix(w.Text, "dir://"))
	}
	if below, ok := o.Last("--context-sub-path"); ok && !remotePath(string(c.context)) {
		c.context = word(path.Join(string(c.context), below.Text))
	}
	return c
}

// newCommand takes what is read alike from the options of every builder, under these names.
func newCommand(o command.Options, file, f, target, tag, t string, platforms ...string) *buildCommand {
	last := func(names ...string) word { w, _ := o.Last(names...); return word(w.Text) }
	c := &buildCommand{file: last(file, f), target: last(target), contexts: map[string]string{}}
	c.platform = platform(strings.Split(string(last(platforms...)), ","))
	for _, w := range o.All(tag, t) {
		c.tag, c.tags = cmp.Or(c.tag, w.Text), append(c.tags, w.Text)
	}
	c.args = arguments(shell.Texts(o.All("--build-arg")))
	return c
}

// arguments gives the build arguments of a list of NAME=value whose values are known. One without a value comes from the
// environment.
func arguments(list []string) map[string]string {
	out := map[string]string{}
	for _, kv := range list {
		if k, v, ok := strings.Cut(kv, "="); ok && word(v).known() {
			out[k] = v
		}
	}
	return out
}

// build gives the image that a command makes when it runs in a directory, or says why that is not known. exists reports
// whether there is a file.
func (c *buildCommand) build(exists func(string) bool, cwd word) (b Build, problem string) {
	b = Build{Name: imageName(c.tag), Tags: c.tags, Platform: c.platform, Args: c.args, Contexts: map[string]string{}}
	switch {
	case c.problem != "":
		return b, c.problem
	case !c.context.known():
		return b, "its build context is not known here"
	case !c.file.known():
		return b, "its Dockerfile is not known here"
	case !c.target.known():
		return b, "its target is not known here"
	}
	b.Target = string(c.target)
	local := func(w string) string {
		switch {
		case remotePath(w) || path.IsAbs(w):
			return w
		case !cwd.known():
			problem = "the directory in which it runs is not known here"
		}
		return path.Join(string(cwd), w)
	}
	b.Context = local(string(c.context))
	for k, v := range c.contexts {
		if !word(v).known() {
			return b, "its build context " + k + " is not known here"
		}
		b.Contexts[k] = local(v)
	}
	switch inside := path.Join(b.Context, string(c.file)); {
	case c.file != "":
		b.Dockerfile = local(string(c.file))
		if c.beside && !remotePath(b.Context) && !path.IsAbs(string(c.file)) && !exists(b.Dockerfile) && (c.surely || exists(inside)) {
			b.Dockerfile = inside
		}
	case c.containerfile && exists(path.Join(b.Context, "Containerfile")):
		b.Dockerfile = path.Join(b.Context, "Containerfile")
	}
	return b, problem
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
