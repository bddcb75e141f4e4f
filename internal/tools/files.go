package tools

import (
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/command"
	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// The facts are those of dash, bash and coreutils of Debian 12.

// operands are programs that fail if one of their operands is not there: how many come before the files, and how many behind.
type operands struct {
	valued, switches string
	before, behind   int
	// without are options with which it does not fail, or with which other operands count.
	without string
}

// readers are programs of files, by their names.
var readers = map[string]operands{
	"cp":      {"-S --suffix", "-r -R -a -p -d -L -P -H -f -n -v -u -x -l -s -i", 0, 1, "-t --target-directory"},
	"mv":      {"-S --suffix", "-f -i -n -v -u -b", 0, 1, "-t --target-directory"},
	"cat":     {switches: "-A -b -e -E -n -s -t -T -u -v"},
	"chmod":   {switches: "-R -v -c -f", before: 1, without: "--reference"},
	"chown":   {switches: "-R -v -c -f -h", before: 1, without: "--reference"},
	"head":    {valued: "-n -c --lines --bytes", switches: "-q -v -z"},
	"tail":    {valued: "-n -c --lines --bytes", switches: "-q -v -z -f -F"},
	"unzip":   {valued: "-d -x", switches: "-q -o -n -u -j -l -t -p"},
	"install": {valued: "-m --mode -o --owner -g --group -S --suffix", switches: "-b -c -C -D -d -p -s -v", behind: 1, without: "-d --directory -t --target-directory"},
	"grep":    {valued: "-A -B -C -m --max-count --exclude --include --exclude-dir --color", switches: grepSwitches, before: 1, without: "-e --regexp -f --file -s -q --quiet --silent -V --version"},
	"egrep":   {valued: "-A -B -C -m", switches: grepSwitches, before: 1, without: "-e --regexp -f --file -s -q --quiet --silent"},
	"awk":     {valued: "-F -v", before: 1, without: "-f --file -i --include -e --source"},
	"sort":    {valued: "-k --key -t --field-separator -o --output -S -T", switches: "-b -d -f -g -i -M -h -n -R -r -V -c -m -s -u -z", without: "--files0-from"},
	"cut":     {valued: "-b -c -d -f --bytes --characters --delimiter --fields --output-delimiter", switches: "-n -s -z"},
	"wc":      {switches: "-c -m -l -L -w", without: "--files0-from"},
	"jq":      {valued: "--indent --tab -L", switches: "-r -c -n -s -e -a -S -C -M -j", before: 1, without: "-f --from-file --arg --argjson --slurpfile --rawfile --args --jsonargs -n --null-input -V -h"},
	"xz":      {valued: "-T --threads", switches: "-d -z -k -f -q -v -c -0 -1 -2 -3 -4 -5 -6 -7 -8 -9 -e", without: "--files --files0"},
	"crontab": {valued: "-u", without: "-l -e -r -i -T"},
	"javac":   {valued: "-d -cp -classpath --class-path -sourcepath -source -target --release -encoding -p --module-path --add-modules -processorpath -s -h", without: "--version -version"},
	"dpkg":    {switches: "-i -E -G", without: "-l -L -s -S -r -P --purge --remove --configure -C --print-architecture --add-architecture --get-selections --set-selections -V -c -I -x -e --compare-versions -p -a"},
}

const grepSwitches = "-E -F -G -P -i -v -w -x -c -l -L -n -o -h -H -a -I -r -R -z"

// named is a program of the table of readers.
func (r *reader) named() {
	o := readers[r.call.Base]
	parsed := command.ParseLetters(r.call.Args, o.valued, o.switches)
	words := parsed.Operands
	if len(words) <= o.before+o.behind || parsed.Has(strings.Fields(o.without)...) {
		return
	}
	switch base := r.call.Base; {
	case base == "unzip":
		words = words[:1]
	case base == "dpkg" && !parsed.Has("-i", "--install"), base == "javac" && slices.ContainsFunc(words, func(w shell.Word) bool { return strings.HasPrefix(w.Text, "@") }):
		return
	}
	if r.call.Base == "chmod" && strings.HasPrefix(r.call.Args[0].Text, "-") && strings.Trim(r.call.Args[0].Text, "-rwxXst") == "" {
		return // a mode that takes away
	}
	for _, w := range words[o.before : len(words)-o.behind] {
		r.operand(w)
	}
}

// operand is a file or directory that is read.
func (r *reader) operand(w shell.Word) {
	if w.Text == "-" || !w.Known() || strings.HasPrefix(w.Text, "-") {
		return
	}
	r.need(Missing{Path: r.abs(w.Text), What: "what " + r.call.Base + " reads"})
}

const compilerValued = "-o -I -L -l -D -U -x -include -isystem -idirafter -MF -MT -MQ -Xlinker -T -u -z -arch -target -std"

// compiler is a compiler of C or C++: its sources, and what is linked to them.
func (r *reader) compiler() {
	if !r.known() {
		return
	}
	for i := 0; i < len(r.call.Args); i++ {
		switch w := r.call.Args[i]; {
		case contains(compilerValued, w.Text):
			i++
		case strings.HasPrefix(w.Text, "-") || strings.HasPrefix(w.Text, "@"):
		case contains(".c .cc .cpp .cxx .C .s .S .o .a .m", path.Ext(w.Text)):
			r.need(Missing{Kind: Source, Path: r.abs(w.Text), What: "what is compiled"})
		}
	}
}

// patch is patch: the file with the changes.
func (r *reader) patch() {
	o := command.ParseLetters(r.call.Args, "-p --strip -i --input -d --directory -o --output -r --reject-file -B -F --fuzz -D", "-N -R -s -E -f -t -b -u -c -l")
	dir := r.dir
	if w, ok := o.Last("-d", "--directory"); ok {
		if dir = r.abs(w.Text); dir == "" {
			return
		}
	}
	for _, w := range o.All("-i", "--input") {
		if w.Known() && w.Text != "-" && !path.IsAbs(w.Text) {
			r.need(Missing{Path: path.Join(dir, w.Text), What: "the changes"})
		} else if path.IsAbs(w.Text) {
			r.operand(w)
		}
	}
}

// aptGet is apt-get install of packages that are files, and apk add.
func (r *reader) packageFiles() {
	if sub := r.sub(); sub != "install" && sub != "add" && sub != "localinstall" {
		return
	}
	for _, w := range r.words[1:] {
		if w.Known() && (strings.HasPrefix(w.Text, "./") || strings.HasPrefix(w.Text, "/")) && contains(".deb .rpm .apk", path.Ext(w.Text)) && !strings.ContainsAny(w.Text, "*?") {
			r.need(Missing{Path: r.abs(w.Text), What: "the package that is installed"})
		}
	}
}

// xargs reads words from a file.
func (r *reader) xargs() {
	o := command.Parse(r.call.Args, "-a --arg-file -I -n -P -L -d -s -E")
	for _, w := range o.All("-a", "--arg-file") {
		r.operand(w)
	}
}

// sed reads files unless all that it has is a script.
func (r *reader) sed() {
	o := command.ParseLetters(r.call.Args, "-e --expression -f --file -l --line-length", "-n -E -r -s -u -z")
	files := o.Operands
	if !o.Has("-e", "--expression", "-f", "--file") && len(files) > 0 {
		files = files[1:]
	}
	for _, w := range files {
		r.operand(w)
	}
}

// tar reads an archive, or makes one.
func (r *reader) tar() {
	words := r.call.Args
	if len(words) == 0 || !r.known() {
		return
	}
	letters := words[0].Text
	rest := words[1:]
	if strings.HasPrefix(letters, "--") {
		return
	}
	letters = strings.TrimPrefix(letters, "-")
	if !strings.HasSuffix(letters, "f") || !strings.Contains(letters, "x") || len(rest) == 0 || strings.Contains(letters, "C") {
		return
	}
	r.operand(rest[0])
}

// interpreters are programs that run a file, with the options that take a value, and those with which they run none.
var interpreters = map[string]struct{ valued, without string }{
	"python": {"-W -X -Q --check-hash-based-pycs", "-c -m -V --version -h --help -"},
	"ruby":   {"-I -r -C -E", "-e -v --version -S -h --help -"},
	"perl":   {"-I -M -C", "-e -E -v -V -p -n -h -pe -ne -pi -i --version"},
	"php":    {"-c -d -z", "-r -S -v -i -m -a -f --version -h -B -R"},
	"tsx":    {"--tsconfig", "watch -e -p --version --test"},
	"deno":   {"", ""},
}

// interpreted is a program that runs a file: what comes before it are its own options.
func (r *reader) interpreted() {
	base := command.Unversioned(r.call.Base)
	if base == "ts-node" {
		base = "tsx"
	}
	o, known := interpreters[base]
	if !known {
		return
	}
	for i := 0; i < len(r.call.Args); i++ {
		w := r.call.Args[i]
		switch {
		case !w.Known() || contains(o.without, w.Text):
			return
		case contains(o.valued, w.Text):
			i++
		case !strings.HasPrefix(w.Text, "-"):
			if base == "tsx" {
				r.scriptFile(w)
			} else {
				r.need(Missing{Path: r.abs(w.Text), What: "the script that " + r.call.Base + " runs"})
			}
			switch base {
			case "ruby":
				r.rubyFile(r.abs(w.Text), nil, map[string]bool{})
			case "php":
				r.phpFile(r.abs(w.Text), nil, map[string]bool{})
			case "python":
				r.pythonScript(w, shell.Texts(r.call.Args[i+1:]))
			}
			return
		}
	}
}

// contains reports whether a word is one of those between blanks.
func contains(words, word string) bool {
	for w := range strings.FieldsSeq(words) {
		if w == word {
			return true
		}
	}
	return false
}

// Started gives what is missing of a program that is started by its path, or of a script that a shell is given.
func Started(c *command.Call, file string, files Files) []Missing {
	if file == "" || files.Stat(file) != shell.Absent {
		return nil
	}
	return []Missing{{Path: file, What: "the program that is started"}}
}

// Builtin gives what is missing for a builtin of the shell: a directory to go to, a script to read.
func Builtin(s *shell.State, name string, args []shell.Word, files Files) []Missing {
	args = command.Skip(args, "")
	if len(args) == 0 || !args[0].Known() || s.Dir == "" {
		return nil
	}
	at := s.Abs(args[0].Text)
	if at == "" || files.Stat(at) != shell.Absent {
		return nil
	}
	switch name {
	case "cd", "pushd":
		if args[0].Text != "-" && s.Env("CDPATH") == "" {
			return []Missing{{Path: at, Dir: true, What: "the directory to work in"}}
		}
	case ".", "source":
		if strings.Contains(args[0].Text, "/") || path.Ext(at) == ".sh" {
			return []Missing{{Path: at, What: "the script that is read"}}
		}
	}
	return nil
}
