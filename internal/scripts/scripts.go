// Package scripts makes random shell scripts of the commands whose effects on files are known. Tests run them in real shells, and in
// steps of real builds, and hold what is predicted of them against what is there.
package scripts

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"io/fs"
	"math/rand/v2"
	"strings"
)

// Content is what the scripts find in the directory in which they run, by path.
var Content = content()

func content() map[string]string {
	tarred, zipped := archives()
	return map[string]string{"a": "aa", "b": "b\n", "d/x": "x", "d/e/z": "zz", "d/e/f/g": "g", "t": tarred, "z": zipped}
}

// Maker makes random scripts of the commands whose effects are known, over few names, so that they meet. None of them leaves
// the directory it is started in: no variable is empty, and no `..` follows what may be the top.
type Maker struct {
	*rand.Rand
	Bash bool // they may use what only bash has
	Busy bool // they are run by busybox, which lacks some
	// called tells that what is made is the body of a function: one that calls itself need never end.
	called bool
}

func (r Maker) pick(list ...string) string { return list[r.IntN(len(list))] }

func (r Maker) path() string {
	return r.pick("a", "b", "c", "d", "d/x", "d/y", "d/e", "d/e/z", "new", "new/x", "./a", "d/", "link", "link/x", "e", "$D/x", ".")
}

// file is a path without a slash at its end.
func (r Maker) file() string { return strings.TrimSuffix(r.path(), "/") }

// command gives a command; depth bounds what is nested in it.
func (r Maker) command(depth int) string {
	if depth < 3 && r.IntN(3) == 0 {
		return r.compound(depth + 1)
	}
	if r.IntN(12) == 0 {
		return r.simple() + r.pick(" > ", " >> ", " 2> ", " < ") + r.file()
	}
	return r.simple()
}

func (r Maker) simple() string {
	for {
		s := r.any()
		if r.called && (s == "f" || s == "g") {
			continue
		}
		if !r.Busy || !strings.HasPrefix(s, "install") && !strings.HasPrefix(s, "bash") && !strings.Contains(s, "-delete") && !strings.Contains(s, "-empty") {
			return s
		}
	}
}

func (r Maker) any() string {
	p, file := r.path, r.file
	switch n := r.IntN(33); {
	case n < 2:
		return "mkdir " + r.pick("", "-p ", "-p ", "-m 700 ") + p()
	case n < 5:
		return "cp " + r.pick("", "-r ", "-a ", "-p ", "-R ") + r.pick(p(), p()+" "+p(), "d/.", "d/*") + " " + p()
	case n < 7:
		return "mv " + r.pick("", "-f ", "-T ") + r.pick(p(), p()+" "+p(), "d/*") + " " + p()
	case n < 9:
		return "rm " + r.pick("", "-f ", "-rf ", "-r ") + r.pick(p(), p(), p(), "*", "d/*", "?", "*/x")
	case n < 11:
		return "ln -s" + r.pick("", "f", "fn") + " " + r.pick("a", "d", "d/x", "../a", "none") + " " + p()
	case n < 12:
		return "touch " + file()
	case n < 14:
		return r.pick("echo one", "printf 'two\\n'", "printf %s three", "ls", "cat "+file(), "printf '%s:%s\\n' a b c") + r.pick(" > ", " >> ") + file()
	case n < 15:
		return "echo tee | tee " + r.pick("", "-a ") + file()
	case n < 16:
		return "chmod " + r.pick("+x ", "600 ", "u+w,g-r ", "-R 755 ") + p()
	case n < 17:
		return "install " + r.pick("", "-m 644 ", "-D ", "-d ") + p() + " " + p()
	case n < 18:
		return "rmdir " + p()
	case n < 21:
		if r.Bash && r.IntN(2) == 0 {
			return r.pick("pushd "+r.pick("d", "new", "d/..", "link")+" > /dev/null", "popd > /dev/null")
		}
		return "cd " + r.pick("d", "d/e", "d/..", "../d", "new", ".", "link") + r.pick("", " > /dev/null")
	case n < 22:
		return "sed -i s/x/yy/ " + file()
	case n < 23:
		return "find " + p() + r.pick(" -name x -delete", " -type f -exec rm -f {} +", " -name 'y*' -print", " -empty")
	case n < 24:
		return r.pick("ls", "ls d", "echo a b", "echo d/x") + " | xargs " + r.pick("rm -f", "touch", "cat", "rm -rf")
	case n < 25:
		return r.pick("umask 077", "umask 022", "set -e", "set +e", "set -f", "D=new", "D=e$(ls d)", "trap 'rm -f c' EXIT")
	case n < 26:
		return r.pick("sh", "sh -e", "bash") + " -" + "c '" + r.pick("rm "+p(), "cd d; touch c", "mkdir new && exit 0; rm -rf d", "cat none; echo a > b") + "'"
	case n < 28:
		return r.pick("true", "false", "[ -e "+p()+" ]", "test -d "+p(), "[ -s "+p()+" ]", "grep -q x "+p(), "[ \"$D\" = d ]", "test -x "+p())
	case n < 29:
		return r.pick("f", "g") // functions, which may not be there
	case n < 31:
		return "tar " + r.pick("xf ", "-x -f ") + r.pick("t", "t", "t", p()) + r.pick("", "", " -C "+p(), " --strip-components=1", " -o", " d/x")
	case n < 32 && r.Busy: // others may not have it
		return "unzip " + r.pick("-q ", "-o ", "-oq ") + r.pick("z", "z", "z", p()) + r.pick("", "", " -d "+p())
	case n < 32:
		return r.pick("exit 0", "exit", "exit 1", "return", "return 1", "break", "break 2")
	}
	return "unlink " + p()
}

func (r Maker) compound(depth int) string {
	c := func() string { return r.command(depth) }
	switch r.IntN(13) {
	case 0:
		return "if [ " + r.pick("-e", "-f", "-d") + " " + r.path() + " ]; then " + c() + "; else " + c() + "; fi"
	case 1:
		return "if " + c() + "; then " + r.list(depth) + "; fi"
	case 2:
		return "( " + r.list(depth) + ")"
	case 3:
		return "{ " + r.list(depth) + "; }" + r.pick("", "", " > "+r.file())
	case 4:
		return "for D in " + r.pick("d new", "d new", "*", "d/*", "$(ls)") + "; do " + r.list(depth) + "; done"
	case 12:
		return "for D in d new; do " + c() + r.pick(" && ", " || ", "; ") + "continue; " + c() + "; done"
	case 5: // it ends, since somebody breaks
		return "while " + c() + "; do " + r.list(depth) + "; break; done"
	case 6:
		return "! " + r.simple()
	case 7:
		return r.simple() + " | " + r.pick("cat", "grep -q x", "tee "+r.file())
	case 8:
		r.called = true
		return r.pick("f", "g") + "() { " + r.list(depth) + "; }"
	case 9:
		return "case " + r.pick("$D", "d", "$(ls)") + " in d) " + c() + ";; n*|x) " + c() + ";; *) " + c() + ";; esac"
	case 10:
		return "eval '" + strings.ReplaceAll(c(), "'", "") + "'"
	}
	return "( set -e; " + r.list(depth) + ")"
}

func (r Maker) list(depth int) string {
	out := r.command(depth)
	for range r.IntN(4) {
		out += r.pick("; ", " && ", " && ", " || ") + r.command(depth)
	}
	return out
}

// Script makes a script. It runs with D=d in its environment.
func (r Maker) Script() string {
	out := r.command(0)
	for range r.IntN(6) {
		out += r.pick("; ", " && ", " && ", " || ") + r.command(0)
	}
	return out
}

// archives are what scripts unpack: files, directories, a link and modes.
func archives() (tarred, zipped string) {
	var t, z bytes.Buffer
	w, zw := tar.NewWriter(&t), zip.NewWriter(&z)
	for _, e := range []struct {
		name, content string
		mode          fs.FileMode
		typ           byte
	}{
		{"d/", "", 0o750, tar.TypeDir}, {"d/x", "packed", 0o640, tar.TypeReg}, {"d/in/deep", "deep\n", 0o600, tar.TypeReg}, {"a", "an a", 0o755, tar.TypeReg},
		{"d/hard", "d/x", 0o640, tar.TypeLink}, {"e/link", "../d", 0o777, tar.TypeSymlink},
	} {
		h := &tar.Header{Name: e.name, Mode: int64(e.mode), Typeflag: e.typ, Size: int64(len(e.content))}
		if e.typ == tar.TypeLink || e.typ == tar.TypeSymlink {
			h.Size, h.Linkname = 0, e.content
		}
		_ = w.WriteHeader(h) // to memory, as is all else here
		_, _ = w.Write([]byte(e.content)[:h.Size])
		if h.Linkname != "" {
			continue
		}
		zh := &zip.FileHeader{Name: e.name}
		zh.SetMode(h.FileInfo().Mode())
		f, _ := zw.CreateHeader(zh)
		_, _ = f.Write([]byte(e.content))
	}
	_, _ = w.Close(), zw.Close()
	return t.String(), z.String()
}
