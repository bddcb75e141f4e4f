package git

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/files"
	"github.com/ctxaudit/ctxaudit/internal/lazyre"
)

// private makes the git directory that git is given. Of the repository it has, by links, the names of revisions and the
// patterns of info/exclude; its index and its objects are named by the environment. The configuration is ours: of the
// repository's only what the question needs, the format of objects and references and whether case counts in names.
//
// It is a work directory in the way of git's contrib/workdir/git-new-workdir, with the configuration left out.
func (r *Repository) private() (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.own != nil {
		return r.own.Name(), nil
	}
	own, err := files.Scratch(r.Top)
	if err != nil {
		return "", err
	}
	if err := r.furnish(own); err != nil {
		own.Close()
		return "", err
	}
	r.own = own
	return own.Name(), nil
}

var headForm = lazyre.New(`^(?:ref: refs/[^\x00-\x20]+|[0-9a-f]{40}|[0-9a-f]{64})$`)

func (r *Repository) furnish(own *files.Dir) error {
	head, err := files.Read(filepath.Join(r.dir, "HEAD"), maxPointer)
	if head = bytes.TrimSpace(head); err != nil || !headForm().Match(head) {
		head = []byte("ref: refs/heads/none")
	}
	if err := own.Put("HEAD", append(head, '\n')); err != nil {
		return err
	}
	if err := own.Put("config", []byte(r.config())); err != nil {
		return err
	}
	if err := own.Put("info/none", nil); err != nil {
		return err
	}
	for _, name := range []string{"refs", "reftable", "packed-refs", "shallow", "logs", "info/exclude"} {
		if err := borrow(filepath.Join(r.common, filepath.FromSlash(name)), filepath.Join(own.Name(), filepath.FromSlash(name))); err != nil {
			return err
		}
	}
	// What a work tree has for itself: other heads, and the other half of an index that is split.
	var names []string
	entries, _ := os.ReadDir(r.dir)
	for _, e := range entries {
		if e.Type().IsRegular() && (strings.HasSuffix(e.Name(), "_HEAD") || strings.HasPrefix(e.Name(), "sharedindex.")) {
			names = append(names, e.Name())
		}
	}
	for _, name := range names {
		if err := borrow(filepath.Join(r.dir, name), filepath.Join(own.Name(), name)); err != nil {
			return err
		}
	}
	return nil
}

// borrow makes a link to a file or a directory of the repository or, where links cannot be made, a copy. What is neither, such
// as a pipe, is left out, and so is a link.
func borrow(from, to string) error {
	fi, err := os.Lstat(from)
	if err != nil || !fi.Mode().IsRegular() && !fi.IsDir() {
		return nil
	}
	if os.Symlink(from, to) == nil {
		return nil
	}
	return filepath.WalkDir(from, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, p)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		if d.IsDir() {
			return os.MkdirAll(target, 0o700)
		}
		data, err := files.Read(p, 256<<20)
		if err != nil {
			return nil
		}
		return os.WriteFile(target, data, 0o600)
	})
}

// taken are the settings of the repository's configuration that decide how it is read, each a single word.
var taken = []struct{ section, key string }{
	{"core", "ignorecase"}, {"core", "precomposeunicode"}, {"extensions", "objectformat"}, {"extensions", "refstorage"},
}

// plainValue is the form of the values that they have: a truth value, a name.
var plainValue = lazyre.New(`^[A-Za-z0-9]+$`)

// config gives the configuration of the private directory.
func (r *Repository) config() string {
	data, err := files.Read(filepath.Join(r.common, "config"), 1<<20)
	if err != nil {
		data = nil
	}
	have := settings(data)
	text, version := "", "0"
	for _, t := range taken {
		v, ok := have[t.section+"."+t.key]
		if !ok || !plainValue().MatchString(v) {
			continue
		}
		text += "[" + t.section + "]\n\t" + t.key + " = " + v + "\n"
		if t.section == "extensions" {
			version = "1"
		}
	}
	return "[core]\n\trepositoryformatversion = " + version + "\n\tbare = false\n" + text
}

var (
	sectionForm = lazyre.New(`^\[([A-Za-z0-9.-]+)\]`)
	settingForm = lazyre.New(`^([A-Za-z][A-Za-z0-9-]*)\s*(?:=\s*([^\s;#"\\]*))?\s*(?:[;#].*)?$`)
)

// settings reads a git configuration as far as its sections without a name have plain values. Names are in lower case.
func settings(data []byte) map[string]string {
	out := map[string]string{}
	section := ""
	for line := range bytes.Lines(data) {
		text := strings.TrimSpace(string(line))
		if strings.HasPrefix(text, "[") {
			section = ""
			if m := sectionForm().FindStringSubmatch(text); m != nil {
				section, text = strings.ToLower(m[1]), strings.TrimSpace(text[len(m[0]):])
			}
		}
		if m := settingForm().FindStringSubmatch(text); m != nil && section != "" {
			value := m[2]
			if !strings.Contains(text, "=") {
				value = "true"
			}
			out[section+"."+strings.ToLower(m[1])] = value
		}
	}
	return out
}
