package builds

import (
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/command"
	"github.com/ctxaudit/ctxaudit/internal/lazyre"
	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// joinedFiles are Compose files that are laid over each other in this order, and the directory of their project: that of the first
// unless something says otherwise.
type joinedFiles struct {
	files []string
	dir   string
}

// over reports whether a group is a file that is laid over another one, and not meant to stand alone, or the same group.
func (j joinedFiles) over(group []string) bool {
	return len(group) == 1 && (slices.Index(j.files, group[0]) > 0 || len(j.files) == 1 && j.files[0] == group[0]) || slices.Equal(j.files, group) && j.dir == path.Dir(group[0])
}

var (
	// devContainer finds the list of Compose files in a configuration of a development container, which is JSON with comments.
	devContainer = lazyre.New(`"dockerComposeFile"\s*:\s*(\[[^\]]*\]|"[^"]*")`)
	quoted       = lazyre.New(`"([^"]+)"`)
	// composeFileSetting finds the list of Compose files in a file of settings.
	composeFileSetting = lazyre.New(`(?m)^\s*(?:export\s+)?COMPOSE_FILE=["']?([^\s"'#]+)`)
)

// devContainers are where the configuration of a development container lies.
var devContainers = []string{".devcontainer/devcontainer.json", ".devcontainer.json"}

// joins gives the Compose files that something in the repository lays over each other: a call with several files, a development
// container, a setting. Each list is given once.
func (r *Reader) joins(composeFiles []string) (out []joinedFiles) {
	seen := map[string]bool{}
	join := func(names []string, dir, base string) bool {
		j := joinedFiles{}
		for _, n := range names {
			j.files = append(j.files, path.Join(base, n))
		}
		if len(j.files) < 2 && dir == "" || slices.ContainsFunc(j.files, func(f string) bool { return !slices.Contains(composeFiles, f) }) {
			return false
		}
		if j.dir = path.Dir(j.files[0]); dir != "" {
			j.dir = path.Join(base, dir)
		}
		if key := strings.Join(append(j.files, j.dir), "\x00"); !seen[key] {
			seen[key] = true
			out = append(out, j)
		}
		return true
	}
	for _, f := range devContainers {
		if m := devContainer().FindStringSubmatch(r.textOf(f)); m != nil {
			var names []string
			for _, q := range quoted().FindAllStringSubmatch(m[1], -1) {
				names = append(names, q[1])
			}
			join(names, "", path.Dir(f))
		}
	}
	for _, dir := range dirsOf(composeFiles) {
		if m := composeFileSetting().FindStringSubmatch(r.textOf(path.Join(dir, ".env"))); m != nil {
			join(strings.FieldsFunc(m[1], func(c rune) bool { return c == ':' || c == ';' }), "", dir)
		}
	}
	for i, f := range r.Scripts {
		if i == maxHints {
			break
		}
		done := map[string]bool{} // by the directory that fits first
		for _, base := range basesOf(f) {
			r.commands(f, base, "compose", func(c *command.Call) {
				names, dir, ok := composed(c)
				in, here := below(hintRoot, c.S.Dir)
				if call := strings.Join(c.Words(), "\x00"); ok && here && !done[call] {
					done[call] = join(names, dir, in)
				}
			})
		}
	}
	return out
}

// composeValued are the options of docker compose that have a value and stand before its command.
const composeValued = "-f --file -p --project-name --project-directory --env-file --profile --ansi --progress --parallel -c --context"

// composed gives the files that a call of Compose names, and the directory of its project, "" if it names none; ok is false if it
// names no file, or one that is not known.
func composed(c *command.Call) (files []string, dir string, ok bool) {
	args := c.Args
	switch {
	case c.Base == "docker-compose":
	case c.Base == "docker" && len(args) > 0 && args[0].Text == "compose":
		args = args[1:]
	default:
		return nil, "", false
	}
	args = slices.Clone(args)
	for i := range args { // both names count in one order
		if rest, long := strings.CutPrefix(args[i].Text, "--file"); long && (rest == "" || rest[0] == '=') {
			args[i].Text = "-f" + rest
		}
	}
	o := command.Leading(args, composeValued)
	files = shell.Texts(o.All("-f"))
	if w, given := o.Last("--project-directory"); given {
		dir = w.Text
	}
	return files, dir, len(files) > 0
}

// textOf gives the text of a file that is read for a hint; "" if it cannot be read, or is too large.
func (r *Reader) textOf(name string) string {
	if !r.Exists(name) {
		return ""
	}
	data, err := r.Read(name)
	if err != nil || len(data) > maxHint {
		return ""
	}
	return string(data)
}

func dirsOf(files []string) (out []string) {
	for _, f := range files {
		if dir := path.Dir(f); !slices.Contains(out, dir) {
			out = append(out, dir)
		}
	}
	return out
}

// variable reports whether a value that is not known stands in the context or the Dockerfile of a service.
func (c composeFiles) variable(name string) bool {
	for _, docs := range c.stage.docs {
		for _, doc := range docs {
			build := doc.at("services", name, "build")
			for _, text := range []string{build.text(), build.at("context").text(), build.at("dockerfile").text(), build.at("target").text()} {
				if strings.Contains(strings.ReplaceAll(text, "$$", ""), "$") {
					return true
				}
			}
		}
	}
	return false
}

// doubt says why a service need not be built as a file says that was read alone, "" for none: it names no context, and has the one of
// another file that it is laid over; its name says that it is laid over one; or it is one of a directory below that of such a file, and its paths begin there.
func (c composeFiles) doubt(r *Reader, name string) string {
	const over = "the file may be laid over another Compose file"
	if len(c.group) > 1 || slices.Contains(composeDefault, path.Base(c.group[0])) {
		return ""
	}
	if strings.Contains(path.Base(c.group[0]), "override") {
		return over
	}
	for _, doc := range c.stage.docs[c.group[0]] {
		if build := doc.at("services", name, "build"); build.isMap() && build.at("context").Node == nil {
			return over
		}
	}
	for dir := path.Dir(c.group[0]); dir != "."; {
		dir = path.Dir(dir)
		if slices.ContainsFunc(composeDefault, func(f string) bool { return r.Exists(path.Join(dir, f)) }) {
			return over
		}
	}
	return ""
}
